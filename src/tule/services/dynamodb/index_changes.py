"""Global indexes that are created and deleted on a table that lives.

A new index is kept by every write from the transaction on in which it is added; what the table held before is put into it in
steps, each of which is a transaction that sees the writes before it.  The first step is done at once: an index of a small
table is ready when UpdateTable answers.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
"""

from __future__ import annotations

from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.services.dynamodb import indexes, schemas, sweeping
from tule.services.dynamodb.state import items
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import ACTIVE, CREATING, DELETING, Index, Table
from tule.store.store import Tx

FILL = "dynamodb.fill"
REMOVE = "dynamodb.remove-index"
STEP = 500


def add(tx: Tx, table: Table, given: dict[str, Any], types: dict[str, str]) -> Table:
    """The table with a new index, which is empty yet and CREATING."""
    index = schemas.index_config(rows.new_id(tx), given, is_global=True, status=CREATING)
    index["backfilling"] = False
    configs = [*table.config["indexes"], index]
    kept = schemas.used_types({**table.types, **types}, [table.config, *configs])
    return rows.configure(tx, table, indexes=configs, types=kept)


def fill(tx: Tx, table: Table, index: Index, after: Position = items.START) -> Table:
    """One step; at the table's end the index is ACTIVE, else the next step is a job."""
    reached = indexes.backfill(tx, table, index, after, STEP)
    if reached is None:
        return _changed(tx, table, index, status=ACTIVE, backfilling=False)
    if not index.backfilling:
        table = _changed(tx, table, index, backfilling=True)
    payload = {"table": table.id, "index": index.id, "hash": reached.hash.hex(), "range": reached.range.hex()}
    _later(tx, table, index, FILL, payload)
    return table


def fill_on(tx: Tx, payload: dict[str, Any]) -> None:
    """The step of a job.  The table or the index may be gone."""
    table = rows.by_id(tx, payload["table"])
    index = None if table is None else _index_of(table, payload["index"])
    if table is not None and index is not None and index.status == CREATING:
        fill(tx, table, index, Position(bytes.fromhex(payload["hash"]), bytes.fromhex(payload["range"])))


def remove(tx: Tx, table: Table, index: Index) -> Table:
    """The table with an index that is DELETING: nothing keeps it from here on, and nobody reads it."""
    return _changed(tx, table, index, status=DELETING, backfilling=False)


def clear(tx: Tx, table: Table, index: Index) -> Table:
    """Remove some rows of an index that is DELETING; once all are gone, it is."""
    if not sweeping.clear_index(tx, index.id):
        _later(tx, table, index, REMOVE, {"table": table.id, "index": index.id})
        return table
    configs = [config for config in table.config["indexes"] if config["id"] != index.id]
    return rows.configure(tx, table, indexes=configs, types=schemas.used_types(table.types, [table.config, *configs]))


def clear_on(tx: Tx, payload: dict[str, Any]) -> None:
    table = rows.by_id(tx, payload["table"])
    index = None if table is None else _index_of(table, payload["index"])
    if table is not None and index is not None:
        clear(tx, table, index)


def _later(tx: Tx, table: Table, index: Index, kind: str, payload: dict[str, Any]) -> None:
    job = Job(kind, table.arn, table.account, table.region, payload, max_attempts=1_000, backoff_cap_ms=60_000, name=f"{kind} {index.id}")
    enqueue(tx, job)


def _changed(tx: Tx, table: Table, index: Index, **settings: Any) -> Table:
    configs = [{**config, **settings} if config["id"] == index.id else config for config in table.config["indexes"]]
    return rows.configure(tx, table, indexes=configs)


def _index_of(table: Table, id: int) -> Index | None:
    return next((index for index in table.indexes if index.id == id), None)


def begin(tx: Tx, table: Table, index: Index) -> Table:
    """The first step of filling a new index, or of clearing one that is deleted."""
    return fill(tx, table, index) if index.status == CREATING else clear(tx, table, index)
