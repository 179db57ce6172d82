"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.logs import access, expiry
from tule.services.logs.operations import events, groups, live_tail, resource_policies, streams, subscriptions
from tule.services.logs.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    return [expiry.run(node)]


_RECORDED = "CreateLogGroup DescribeLogGroups CreateLogStream DescribeLogStreams PutLogEvents GetLogEvents ListTagsLogGroup UntagLogGroup"

SERVICE = Service(
    "logs",
    operations=operations_in(groups, streams, events, live_tail, subscriptions, resource_policies),
    needs=access.NEEDS,
    start=_start,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(_RECORDED.split()),
)
