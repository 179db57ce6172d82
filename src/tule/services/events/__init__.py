"""Amazon EventBridge: buses, rules and their targets, archives and replays, API destinations, partner event sources.

AWS: https://docs.aws.amazon.com/eventbridge/latest/APIReference/
Known to differ: a delivery to a service that is not built yet dies at once, visibly (dead letter); global endpoints are kept, and all
regions are here, so they never fail over; keys, and a bus's logging and dead letters, are kept and shown, without effect; the
secrets of connections are kept with them; how fast a destination is called is counted on each node.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.events import access, deliveries, expiry, invocations, state
from tule.services.events.memory import memory
from tule.services.events.operations import api_destinations as api_destination_operations
from tule.services.events.operations import archives as archive_operations
from tule.services.events.operations import buses as bus_operations
from tule.services.events.operations import connections as connection_operations
from tule.services.events.operations import endpoints as endpoint_operations
from tule.services.events.operations import events as event_operations
from tule.services.events.operations import partners as partner_operations
from tule.services.events.operations import permissions as permission_operations
from tule.services.events.operations import replays as replay_operations
from tule.services.events.operations import rules as rule_operations
from tule.services.events.operations import tags as tag_operations
from tule.services.events.operations import targets as target_operations
from tule.services.events.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    memory(node)  # made here, on the event loop: transactions that need it run on other threads
    return [expiry.run(node)]


async def _reset(node: Node) -> None:
    memory(node).forget()


_RECORDED = (
    "CreateEventBus ListEventBuses DescribeEventBus PutPermission RemovePermission PutRule ListRules DeleteRule PutTargets ListTargetsByRule"
    " PutEvents TestEventPattern CreateArchive DescribeArchive ListArchives StartReplay DescribeReplay ListReplays CreateConnection"
    " DescribeConnection ListConnections CreateApiDestination DescribeApiDestination UpdateApiDestination ListApiDestinations"
    " DeleteApiDestination TagResource UntagResource ListTagsForResource"
)

SERVICE = Service(
    "events",
    operations=operations_in(
        bus_operations,
        rule_operations,
        target_operations,
        event_operations,
        permission_operations,
        tag_operations,
        archive_operations,
        replay_operations,
        connection_operations,
        api_destination_operations,
        endpoint_operations,
        partner_operations,
    ),
    needs=access.NEEDS,
    remembered_needs=access.REMEMBERED_NEEDS,
    schema=state.SCHEMA,
    deliver=deliveries.deliver,
    start=_start,
    reset=_reset,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(_RECORDED.split()),
    sinks={"api-destination": invocations.sink},
)
