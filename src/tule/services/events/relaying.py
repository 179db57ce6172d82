"""Events that a rule sends to another bus, of the same account or region or not.

The event stays what it is, with the account and region where it began; across regions it gets another id.  The rule's role
must be allowed to put events, or else the bus's policy must let the rule's account in.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html and eb-bus-to-bus.html
"""

from __future__ import annotations

import orjson

from tule.access.principal import Principal, root
from tule.backbone.delivery import Dead, Delivery, Done, Outcome
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.events import encryption, state
from tule.services.events.access import put_need
from tule.services.events.encryption import Keyring
from tule.services.events.matching import Incoming
from tule.services.events.memory import memory
from tule.services.events.names import BusRef, bus_of
from tule.store.store import Tx


async def relay(node: Node, delivery: Delivery) -> Outcome:
    ref = bus_of(delivery.target, delivery.account, delivery.region)
    event = orjson.loads(delivery.payload["text"])
    try:
        await _authorize(node, delivery, ref, event)
    except ServiceError as error:
        return targets.outcome_of(error)

    def ingest(tx: Tx, keyring: Keyring) -> bool:
        if not ref.is_default and state.bus(tx, ref) is None:
            return False
        arrived = event if ref.region == delivery.region else {**event, "id": tx.ids.uuid()}
        memory(node).matcher.ingest(tx, ref, Incoming(arrived, delivery.now_ms, delivery.trace, relayed=True), keyring)
        return True

    if await encryption.changed(node, ingest):
        return Done()
    return Dead(f"Event bus {ref.name} does not exist.", code="ResourceNotFoundException")


async def _authorize(node: Node, delivery: Delivery, ref: BusRef, event: dict[str, object]) -> None:
    """Raises AccessDeniedException."""
    sender: Principal = await targets.principal_of(node, delivery) if delivery.role else root(delivery.account)
    call = Call(
        node=node,
        id=delivery.id,
        now_ms=delivery.now_ms,
        principal=sender,
        account=delivery.account,
        region=ref.region,
        service="events",
        operation="PutEvents",
        trace=delivery.trace,
    )
    need = await put_need(call, ref, str(event["source"]), str(event["detail-type"]), relayed=True)
    await node.authorizer.authorize(call, [need])
