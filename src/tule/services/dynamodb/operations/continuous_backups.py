"""Point-in-time recovery on and off.  AWS: API reference, UpdateContinuousBackups, DescribeContinuousBackups."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors, recovery
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
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
