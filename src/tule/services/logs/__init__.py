"""Amazon CloudWatch Logs.  AWS: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html

Groups, streams and events; filtering by patterns; live tail; retention; subscriptions.  Not built yet, and answered 501:
Insights queries, metric filters, exports, anomaly detection.
Known to differ: a live tail hears what arrives at its own node; KMS keys are kept and shown, and encrypt nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.logs import access, expiry
from tule.services.logs.operations import events, groups, live_tail, resource_policies, streams, subscriptions
from tule.services.logs.resources import RESOURCE_TYPES
from tule.watch import log_store


def _start(node: Node) -> Sequence[Awaitable[None]]:
    return [expiry.run(node)]


_RECORDED = "CreateLogGroup DescribeLogGroups CreateLogStream DescribeLogStreams PutLogEvents GetLogEvents ListTagsLogGroup UntagLogGroup"

SERVICE = Service(
    "logs",
    operations=operations_in(groups, streams, events, live_tail, subscriptions, resource_policies),
    needs=access.NEEDS,
    telemetry_schema=log_store.SCHEMA,
    start=_start,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(_RECORDED.split()),
)
