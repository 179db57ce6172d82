"""What jobs bring to EventBridge: events of AWS services, events from other buses, and work of its own."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Done, Outcome
from tule.platform import service_events
from tule.platform import targets as platform_targets
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.services.events import connections, encryption, invocations, replays, targets, timers
from tule.services.events.encryption import Keyring
from tule.services.events.matching import Incoming
from tule.services.events.memory import memory
from tule.services.events.names import bus_of
from tule.services.events.relaying import relay
from tule.store.store import Tx


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case service_events.EVENT:
            return await _take(node, delivery)
        case encryption.SEALED:
            return await _open(node, delivery)
        case targets.RELAY:
            return await relay(node, delivery)
        case targets.CALL:
            return await invocations.deliver(node, delivery)
        case connections.AUTHORIZE:
            return await invocations.authorize_connection(node, delivery)
        case replays.REPLAY:
            return await replays.run(node, delivery)
        case timers.TICK:
            return await timers.tick(node, delivery)
        case targets.BROKEN:
            return Dead("The transformed input is not valid JSON.", code="INVALID_JSON")
        case kind:
            return Dead(f"EventBridge does not know deliveries of kind {kind}.")


async def _take(node: Node, delivery: Delivery) -> Outcome:
    """What an AWS service tells the default bus.  The event is the payload."""
    ref = bus_of(delivery.target, delivery.account, delivery.region)
    incoming = Incoming(delivery.payload, delivery.now_ms, delivery.trace)

    def ingest(tx: Tx, keyring: Keyring) -> None:
        memory(node).matcher.ingest(tx, ref, incoming, keyring)

    await encryption.changed(node, ingest)
    return Done()


async def _open(node: Node, delivery: Delivery) -> Outcome:
    """What a bus's key encrypted, delivered."""
    try:
        opened = await encryption.opened(node, delivery)
    except KeyRefused as refusal:
        return Dead(refusal.message, code=refusal.kind)
    return await platform_targets.deliver(node, opened) if opened.kind == platform_targets.SEND else await deliver(node, opened)
