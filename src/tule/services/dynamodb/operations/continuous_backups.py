"""Point-in-time recovery: on and off, and tables as they were.

AWS: API reference, UpdateContinuousBackups, DescribeContinuousBackups, RestoreTableToPointInTime.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import descriptions, encryption, errors, pins, recovery, restoring
from tule.services.dynamodb.copying import Source
from tule.services.dynamodb.names import resource_ref
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, CREATING, Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

BEGINNING_MS = 30_000  # for so long AWS says of a new table that its continuous backups are disabled


def update_continuous_backups(call: Call, tx: Tx, params: Params) -> Params:
    wanted: Params = params["PointInTimeRecoverySpecification"]
    table = table_of(call, tx, params["TableName"], errors.table_not_found)
    is_enabled: bool = wanted["PointInTimeRecoveryEnabled"]
    if not is_enabled and "RecoveryPeriodInDays" in wanted:
        raise errors.validation("RecoveryPeriodInDays can only be specified when PointInTimeRecoveryEnabled is set to true")
    if not is_enabled:
        table = rows.configure(tx, table, journal=None, journal_ms=None, journal_days=None)
    else:
        days = wanted.get("RecoveryPeriodInDays", table.config.get("journal_days"))
        table = rows.configure(tx, table, journal=True, journal_ms=table.config.get("journal_ms", tx.now_ms), journal_days=days)
    return {"ContinuousBackupsDescription": _described(table, tx.now_ms)}


@reads
def describe_continuous_backups(call: Call, tx: Tx, params: Params) -> Params:
    return {"ContinuousBackupsDescription": _described(table_of(call, tx, params["TableName"], errors.table_not_found), tx.now_ms)}


def _described(table: Table, now_ms: int) -> Params:
    if not table.journal:
        status = "DISABLED" if now_ms - table.created_ms < BEGINNING_MS else "ENABLED"
        return {"ContinuousBackupsStatus": status, "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}
    window = recovery.window(table, now_ms)
    shown = {
        "PointInTimeRecoveryStatus": "ENABLED",
        "RecoveryPeriodInDays": recovery.days(table),
        "EarliestRestorableDateTime": window.earliest_ms / 1000,
        "LatestRestorableDateTime": window.latest_ms / 1000,
    }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": shown}


async def restore_table_to_point_in_time(call: Call, params: Params) -> Params:
    if ("SourceTableName" in params) == ("SourceTableArn" in params):
        raise errors.validation("Exactly one of SourceTableName and SourceTableArn must be specified")
    if ("RestoreDateTime" in params) == bool(params.get("UseLatestRestorableTime")):
        raise errors.validation("Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified")
    key = await encryption.key_of(call, params.get("SSESpecificationOverride"))
    return await call.node.store.write(lambda tx: _restore(call, tx, params, key))


def _restore(call: Call, tx: Tx, params: Params, key: str | None) -> Params:
    original = _original(call, tx, params)
    at_ms = _time_of(tx, original, params)
    summary = {"SourceTableArn": original.arn, "RestoreDateTime": at_ms / 1000, "RestoreInProgress": True}
    table = restoring.begin(call, tx, params, original, Source(original.id, at_ms), key, summary)
    now = rows.by_id(tx, table.id)
    if now is not None and now.status != ACTIVE:
        pins.add(tx, original, table.id, at_ms)
    return {"TableDescription": descriptions.made(table, tx.now_ms, status=CREATING, index_status=CREATING)}


def _original(call: Call, tx: Tx, params: Params) -> Table:
    """A table of the region, or by its ARN one of another.  Raises TableNotFoundException."""
    if "SourceTableArn" not in params:
        return table_of(call, tx, params["SourceTableName"], errors.table_not_found)
    ref = resource_ref(params["SourceTableArn"])
    if ref is None or ref.kind != "table":
        raise errors.invalid_resource_arn(params["SourceTableArn"])
    table = rows.find(tx, *ref.table) if ref.table.account == call.account else None
    if table is None:
        raise errors.table_not_found(ref.table.name)
    return table


def _time_of(tx: Tx, original: Table, params: Params) -> int:
    """Raises PointInTimeRecoveryUnavailableException, InvalidRestoreTimeException."""
    if not original.journal:
        message = f"Point in time recovery is not enabled for table '{original.name}'"
        raise ServiceError("PointInTimeRecoveryUnavailableException", message, 400)
    window = recovery.window(original, tx.now_ms)
    at_ms = window.latest_ms if params.get("UseLatestRestorableTime") else round(params["RestoreDateTime"] * 1000)
    if not window.earliest_ms <= at_ms <= window.latest_ms:
        message = "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime."
        raise ServiceError("InvalidRestoreTimeException", f"An invalid restore time was specified. {message}", 400)
    return at_ms
