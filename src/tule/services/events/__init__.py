"""Amazon EventBridge: buses, rules and their targets, archives, API destinations.

AWS: https://docs.aws.amazon.com/eventbridge/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.events import access, state
from tule.services.events.deliveries import deliver
from tule.services.events.matching import matcher
from tule.services.events.operations import buses, events
from tule.services.events.operations import rules as rule_operations
from tule.services.events.operations import targets as target_operations


async def _reset(node: Node) -> None:
    matcher(node).forget()


SERVICE = Service(
    "events",
    operations=operations_in(buses, rule_operations, target_operations, events),
    needs=access.NEEDS,
    schema=state.SCHEMA,
    deliver=deliver,
    reset=_reset,
)
