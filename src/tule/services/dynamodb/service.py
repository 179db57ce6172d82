"""What the rooms of DynamoDB and of its streams serve; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.dynamodb import access, deliveries, measures, metrics, throttling
from tule.services.dynamodb import tables as known_tables
from tule.services.dynamodb.operations import (
    accounts,
    backups,
    batches,
    bulk,
    continuous_backups,
    contributor_insights,
    exports,
    global_tables,
    imports,
    kinesis_destinations,
    policies,
    queries,
    replica_scaling,
    statements,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from tule.services.dynamodb.operations import items as item_operations
from tule.services.dynamodb.resources import RESOURCE_TYPES
from tule.services.dynamodb.streams import background, throughput
from tule.services.dynamodb.streams import metrics as stream_metrics
from tule.services.dynamodb.streams import operations as stream_operations


async def _reset(node: Node) -> None:
    known_tables.forget(node)
    measures.forget(node)
    throttling.forget(node)
    throughput.forget(node)


SERVICE = Service(
    "dynamodb",
    operations=operations_in(
        item_operations,
        queries,
        batches,
        transactions,
        statements,
        tables,
        table_updates,
        tags,
        policies,
        accounts,
        contributor_insights,
        backups,
        exports,
        imports,
        bulk,
        replica_scaling,
        time_to_live,
        continuous_backups,
        kinesis_destinations,
        global_tables,
    ),
    remembered_needs=access.NEEDS,
    deliver=deliveries.deliver,
    resource_types=RESOURCE_TYPES,
    counted=metrics.counted,
    reset=_reset,
)
STREAMS = Service(
    "dynamodbstreams",
    operations=operations_in(stream_operations),
    remembered_needs=access.STREAM_NEEDS,
    start=background.start,
    counted=stream_metrics.counted,
    recorded=frozenset(("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")),
)
