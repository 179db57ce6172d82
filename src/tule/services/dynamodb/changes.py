"""Changes of items, and everybody who wants to hear of them.

`record` runs in the transaction of every write.  A stream gets a record, point-in-time recovery the item as it was, time to
live the time when the item expires, replicas in other regions and Kinesis streams what they are to be sent.  What a write
leaves as it was is no change, and nobody hears of it.

A table tells by itself who listens (`Table.records_changes`), so that for most tables this costs a look at a flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.clock import iso8601
from tule.lang.dynamodb.sizes import size
from tule.lang.dynamodb.values import equal
from tule.services.dynamodb import kinesis_destinations, lifetimes, replica_groups
from tule.services.dynamodb.schemas import shown_keys
from tule.services.dynamodb.state import expiries, journal, replication, stream_inbox, streams
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import Position, Stored
from tule.services.dynamodb.state.replication import Version
from tule.services.dynamodb.streams import records
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

Item = Mapping[str, Any]

_SLOTS_ON_DEMAND = 4  # partitions of a new on-demand table; provisioned ones have one for each 1,000 write units
_MAX_SLOTS = 16


@dataclass(slots=True, frozen=True)
class Origin:
    """Who changed an item, when it was no request: `identity` is what streams show, and what is replicated goes no further."""

    identity: Mapping[str, str] | None = None
    is_replicated: bool = False


EXPIRY = Origin({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
REPLICATION = Origin(is_replicated=True)


def record(
    tx: Tx,
    table: Table,
    key_item: Item,
    old_item: Item | None,
    new_item: Item | None,
    *,
    old: Stored | None,
    new: Stored | None,
    at: Position,
    origin: Origin | None = None,
) -> None:
    """An item changes from `old` to `new`, of which None means that there is none.

    `old` and `new` are the item as it is stored, JSON and size; `old_item` and `new_item` the same as values, None where
    nobody needed them.  `key_item` has the key's attributes, `at` is where the item lies.
    """
    if not (table.records_changes or table.ttl_attribute) or not _is_change(old_item, new_item, old, new):
        return
    if table.stream_view is not None:
        _to_stream(tx, table, table.stream_view, key_item, old, new, at, origin)
    if table.keeps_journal:
        journal.append(tx, table.id, at, *((None, None) if old is None else old))
    if table.ttl_attribute is not None:
        _note_expiry(tx, table, table.ttl_attribute, new_item, new, at)
    if table.replicas and (origin is None or not origin.is_replicated):
        _to_replicas(tx, table, key_item, new, at)
    if table.destinations:
        kinesis_destinations.send(tx, table, key_item, old, new, None if origin is None else origin.identity)


def stream_enabled(tx: Tx, table: Table, view: str) -> Table:
    """Give the table a new stream; the table as it is then."""
    slots = _SLOTS_ON_DEMAND if table.on_demand else min(_MAX_SLOTS, 1 + max(0, table.write_units - 1) // 1000)
    label = _new_label(tx, table)
    stream = streams.open_stream(tx, table, label, view, shown_keys(table.config), slots)
    return rows.configure(tx, table, stream_view=view, stream_label=label, stream_id=stream.id, stream_slots=slots)


def stream_disabled(tx: Tx, table: Table) -> Table:
    """Close the table's stream, which may still be read for a day; the table as it is then."""
    _close_stream(tx, table)
    return rows.configure(tx, table, stream_view=None)


def table_deleted(tx: Tx, table: Table) -> None:
    """In the transaction that deletes the table, before it is gone: its stream is closed, and its replicas forget it."""
    _close_stream(tx, table)
    if table.replicas:
        replica_groups.leave(tx, table)


def _close_stream(tx: Tx, table: Table) -> None:
    if table.stream_view is not None:
        streams.close_stream(tx, table.id)
        tx.wake(table.stream_arn or "")


def _new_label(tx: Tx, table: Table) -> str:
    at_ms = tx.now_ms
    while streams.find(tx, table.account, table.region, table.name, label := iso8601(at_ms)[:-1]) is not None:
        at_ms += 1
    return label


def _is_change(old_item: Item | None, new_item: Item | None, old: Stored | None, new: Stored | None) -> bool:
    if old is None or new is None:
        return old is not new
    if old.size != new.size:
        return True
    if old.item == new.item:
        return False
    old_item = orjson.loads(old.item) if old_item is None else old_item
    new_item = orjson.loads(new.item) if new_item is None else new_item
    return not equal({"M": old_item}, {"M": new_item})


def _to_stream(tx: Tx, table: Table, view: str, key_item: Item, old: Stored | None, new: Stored | None, at: Position, origin: Origin | None) -> None:
    identity = None if origin is None else origin.identity
    text = records.record(tx.ids.hex(32), view, table.region, tx.now_ms, key_item, old, new, identity)
    stream_inbox.add(tx, table.config["stream_id"], at.hash[0] % table.config["stream_slots"], text)
    tx.wake(table.stream_arn or "")


def _note_expiry(tx: Tx, table: Table, attribute: str, new_item: Item | None, new: Stored | None, at: Position) -> None:
    if new is None:
        expiries.remove(tx, table.id, at)
        return
    item: Item = orjson.loads(new.item) if new_item is None else new_item
    due_ms = lifetimes.due_ms(item.get(attribute), tx.now_ms)
    if due_ms is None:
        expiries.remove(tx, table.id, at)
    else:
        expiries.put(tx, table.id, at, due_ms)


def _to_replicas(tx: Tx, table: Table, key_item: Item, new: Stored | None, at: Position) -> None:
    version = replication.written(tx, table.id, at, table.region, gone=new is None)
    key = orjson.dumps(key_item)
    regions: tuple[str, ...] = table.replicas
    if new is not None and table.config.get("global_table_version") == replica_groups.LEGACY:
        new, regions = _marked(new, version), (table.region, *regions)
    for region in regions:
        replication.send(tx, replication.Target(table.account, region, table.name), at, key, version, new)


def _marked(item: Stored, version: Version) -> Stored:
    """With the attributes that the legacy version of global tables writes into items, also where they come from."""
    seconds, micros = divmod(version.at_us, 1_000_000)
    marks = {
        "aws:rep:deleting": {"BOOL": False},
        "aws:rep:updatetime": {"N": f"{seconds}.{micros:06d}".rstrip("0").rstrip(".")},
        "aws:rep:updateregion": {"S": version.region},
    }
    marked = {**orjson.loads(item.item), **marks}
    return Stored(orjson.dumps(marked), size(marked))
