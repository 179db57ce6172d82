"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.events import access, deliveries, expiry, invocations, metrics
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
    deliver=deliveries.deliver,
    start=_start,
    reset=_reset,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(_RECORDED.split()),
    sent=metrics.sent,
    sinks={"api-destination": invocations.sink},
)
