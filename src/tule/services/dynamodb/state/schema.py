"""DynamoDB's tables, all of them."""

from __future__ import annotations

from tule.services.dynamodb.state import (
    backups,
    collections,
    expiries,
    index_items,
    items,
    journal,
    replication,
    stream_inbox,
    stream_records,
    streams,
    tables,
    tokens,
)

_ALL = (tables, items, index_items, tokens, streams, stream_inbox, stream_records, journal, expiries, replication, backups, collections)

SCHEMA = "\n".join(module.SCHEMA for module in _ALL)
