"""Making and removing backups.

A backup's items are copies.  A small table is copied in the transaction that asks for it; of a larger one the first part is,
and the rest follows in steps: until then the table keeps a journal of its changes, so that the backup has every item as it was
when it was asked for.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html
"""

from __future__ import annotations

from tule.backbone.jobs import Job, cancel, enqueue
from tule.services.dynamodb import copying, pins, sweeping
from tule.services.dynamodb.copying import Source
from tule.services.dynamodb.state import backups as rows
from tule.services.dynamodb.state import counts, items
from tule.services.dynamodb.state import tables as table_rows
from tule.services.dynamodb.state.backups import AVAILABLE, CREATING, SYSTEM, USER, Backup
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

COPY = "dynamodb.backup"
EXPIRE = "dynamodb.backup-expiry"
KEPT_MS = 35 * 86_400_000  # for so long a deleted table can be restored that had point-in-time recovery


def begin(tx: Tx, table: Table, name: str) -> Backup:
    """A new backup, CREATING; when this transaction ends, it may be AVAILABLE already."""
    backup = rows.create(tx, table_rows.new_id(tx), table, name, USER, CREATING)
    _copy(tx, table, backup, Source(table.id), items.START)
    return backup


def _copy(tx: Tx, table: Table | None, backup: Backup, source: Source, after: Position) -> None:
    step = copying.step(tx, source, backup.id, after)
    rows.grow(tx, backup.id, step.items, step.size, AVAILABLE if step.after is None else CREATING)
    if table is not None and step.after is None:
        pins.remove(tx, table, backup.id)
    elif table is not None and step.after is not None:
        source = Source(source.id, backup.created_ms)
        pins.add(tx, table, backup.id, backup.created_ms)
        target = table.arn
        enqueue(
            tx, Job(COPY, target, table.account, table.region, {"backup": backup.id, **copying.payload(source, step.after)}, name=_name(COPY, backup))
        )


def copy_on(tx: Tx, payload: dict[str, int]) -> None:
    """The step of a job."""
    backup = rows.by_id(tx, payload["backup"])
    source, after = copying.of_payload(payload)
    if backup is not None and backup.status == CREATING:
        _copy(tx, table_rows.by_id(tx, source.id), backup, source, after)


def keep_deleted(tx: Tx, table: Table) -> None:
    """Let a table that is deleted become a backup: its items stay where they are."""
    size = counts.table(tx, table.id, sweeping.STEP)
    backup = rows.create(tx, table.id, table, f"{table.name}$DeletedTableBackup", SYSTEM, AVAILABLE, tx.now_ms + KEPT_MS, items=size[0], size=size[1])
    job = Job(EXPIRE, table.arn, table.account, table.region, {"backup": backup.id}, due_ms=tx.now_ms + KEPT_MS, name=_name(EXPIRE, backup))
    enqueue(tx, job)


def expire_on(tx: Tx, payload: dict[str, int]) -> None:
    backup = rows.by_id(tx, payload["backup"])
    if backup is not None:
        remove(tx, backup)


def remove(tx: Tx, backup: Backup) -> None:
    rows.delete(tx, backup)
    cancel(tx, _name(EXPIRE, backup))
    sweeping.sweep(tx, backup.table.account, backup.table.region, backup.table.arn, [backup.id], [])


def _name(kind: str, backup: Backup) -> str:
    return f"{kind} {backup.id}"
