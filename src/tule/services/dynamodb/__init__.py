"""Amazon DynamoDB, and DynamoDB Streams, which reads what it records.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html

Operations and all that a node need not know to start stand in `service.py`.

Known to differ: tables, indexes of small tables, backups and restores are ready when the call that asks for them is answered, so
that CREATING, UPDATING and DELETING are seen in answers, and while large tables are worked on; limits of throughput hold in strict
mode, or where `throttling` is `on`; contributor insights and bounds of auto scaling are kept and shown, and nothing follows the load;
imports tell of errors by their count, not in a log group.  Not built yet, and answered 501: vector indexes and their search, global tables of strong
consistency with witnesses, global tables of several accounts.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.dynamodb.state.schema import SCHEMA


def _load() -> Service:
    from tule.services.dynamodb.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


def _load_streams() -> Service:
    from tule.services.dynamodb.service import STREAMS

    return STREAMS


ROOM = Room("dynamodb", _load, schema=SCHEMA)
STREAMS_ROOM = Room("dynamodbstreams", _load_streams)
