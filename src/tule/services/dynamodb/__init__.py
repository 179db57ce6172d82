"""Amazon DynamoDB, and DynamoDB Streams, which reads what it records.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.dynamodb import tables as known_tables
from tule.services.dynamodb.operations import tables
from tule.services.dynamodb.state import tables as table_rows

_SCHEMAS = (table_rows.SCHEMA,)


async def _reset(node: Node) -> None:
    known_tables.forget(node)


SERVICE = Service(
    "dynamodb",
    operations=operations_in(tables),
    schema="\n".join(_SCHEMAS),
    reset=_reset,
)
STREAMS = Service("dynamodbstreams", operations={})
