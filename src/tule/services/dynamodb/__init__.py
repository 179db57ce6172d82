"""Amazon DynamoDB, and DynamoDB Streams, which reads what it records.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.dynamodb import access, deliveries, measures, throttling
from tule.services.dynamodb import tables as known_tables
from tule.services.dynamodb.operations import (
    accounts,
    batches,
    continuous_backups,
    contributor_insights,
    policies,
    queries,
    statements,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from tule.services.dynamodb.operations import items as item_operations
from tule.services.dynamodb.resources import RESOURCE_TYPES
from tule.services.dynamodb.state import expiries, journal, replication, stream_records, streams
from tule.services.dynamodb.state import index_items as index_rows
from tule.services.dynamodb.state import items as item_rows
from tule.services.dynamodb.state import tables as table_rows
from tule.services.dynamodb.state import tokens as token_rows
from tule.services.dynamodb.streams import background
from tule.services.dynamodb.streams import operations as stream_operations

_SCHEMAS = (
    table_rows.SCHEMA,
    item_rows.SCHEMA,
    index_rows.SCHEMA,
    token_rows.SCHEMA,
    streams.SCHEMA,
    stream_records.SCHEMA,
    journal.SCHEMA,
    expiries.SCHEMA,
    replication.SCHEMA,
)


async def _reset(node: Node) -> None:
    known_tables.forget(node)
    measures.forget(node)
    throttling.forget(node)


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
        time_to_live,
        continuous_backups,
    ),
    remembered_needs=access.NEEDS,
    schema="\n".join(_SCHEMAS),
    deliver=deliveries.deliver,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
)
STREAMS = Service("dynamodbstreams", operations=operations_in(stream_operations), remembered_needs=access.STREAM_NEEDS, start=background.start)
