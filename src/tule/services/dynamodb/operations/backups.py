"""On-demand backups and their restore.

AWS: DynamoDB API reference, CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import backups, descriptions, encryption, errors, restoring, schemas
from tule.services.dynamodb.copying import Source
from tule.services.dynamodb.names import resource_ref, table_ref
from tule.services.dynamodb.state import backups as rows
from tule.services.dynamodb.state.backups import AVAILABLE, DELETED, USER, Backup
from tule.services.dynamodb.table import CREATING, Index, Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 100
_EVER_MS = 1 << 60


def create_backup(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"], errors.table_not_found)
    if not table.is_usable:
        raise ServiceError("TableInUseException", f"Table is being created or deleted: {table.name}", 400)
    return {"BackupDetails": _details(backups.begin(tx, table, params["BackupName"]))}


@reads
def describe_backup(call: Call, tx: Tx, params: Params) -> Params:
    return {"BackupDescription": _described(_found(tx, params["BackupArn"]))}


@reads
def list_backups(call: Call, tx: Tx, params: Params) -> Params:
    limit = params.get("Limit", MAX_SHOWN)
    kind = params.get("BackupType", USER)
    table = table_ref(call.account, call.region, params["TableName"]).name if "TableName" in params else None
    start = resource_ref(params["ExclusiveStartBackupArn"]) if "ExclusiveStartBackupArn" in params else None
    from_ms = int(params["TimeRangeLowerBound"] * 1000) if "TimeRangeLowerBound" in params else 0
    to_ms = int(params["TimeRangeUpperBound"] * 1000) if "TimeRangeUpperBound" in params else _EVER_MS
    after = "" if start is None else start.id
    found = rows.page(tx, call.account, call.region, after, from_ms, to_ms, table, None if kind == "ALL" else kind, limit + 1)
    shown, last = page(found, limit, lambda backup: backup.arn)
    return {"BackupSummaries": [_summary(backup) for backup in shown]} | ({"LastEvaluatedBackupArn": last} if last is not None else {})


def delete_backup(call: Call, tx: Tx, params: Params) -> Params:
    backup = _available(tx, params["BackupArn"])
    backups.remove(tx, backup)
    shown = _described(backup)
    shown["BackupDetails"]["BackupStatus"] = DELETED
    return {"BackupDescription": shown}


async def restore_table_from_backup(call: Call, params: Params) -> Params:
    key = await encryption.key_of(call, params.get("SSESpecificationOverride"))

    def restore(tx: Tx) -> Params:
        backup = _available(tx, params["BackupArn"])
        summary = {
            "SourceBackupArn": backup.arn,
            "SourceTableArn": backup.table.arn,
            "RestoreDateTime": backup.created_ms / 1000,
            "RestoreInProgress": True,
        }
        table = restoring.begin(call, tx, params, backup.table, Source(backup.id), key, summary)
        return {"TableDescription": descriptions.made(table, tx.now_ms, status=CREATING, index_status=CREATING)}

    return await call.node.store.write(restore)


def _found(tx: Tx, arn: str) -> Backup:
    """Raises BackupNotFoundException, ValidationException."""
    ref = resource_ref(arn)
    if ref is None or ref.kind != "backup":
        raise errors.validation(f"Invalid BackupArn: {arn}")
    backup = rows.find(tx, ref.table.account, ref.table.region, ref.table.name, ref.id)
    if backup is None:
        raise ServiceError("BackupNotFoundException", f"Backup not found: {arn}", 400)
    return backup


def _available(tx: Tx, arn: str) -> Backup:
    """Raises BackupNotFoundException, BackupInUseException."""
    backup = _found(tx, arn)
    if backup.status != AVAILABLE:
        raise ServiceError("BackupInUseException", f"Backup is being created: {arn}", 400)
    return backup


def _details(backup: Backup) -> Params:
    shown: Params = {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size,
        "BackupStatus": backup.status,
        "BackupType": backup.kind,
        "BackupCreationDateTime": backup.created_ms / 1000,
    }
    return shown if backup.expires_ms is None else shown | {"BackupExpiryDateTime": backup.expires_ms / 1000}


def _summary(backup: Backup) -> Params:
    table = backup.table
    return {"TableName": table.name, "TableId": table.uuid, "TableArn": table.arn, **_details(backup)}


def _described(backup: Backup) -> Params:
    return {
        "BackupDetails": _details(backup),
        "SourceTableDetails": _source(backup),
        "SourceTableFeatureDetails": _features(backup.table),
    }


def _source(backup: Backup) -> Params:
    table = backup.table
    return {
        "TableName": table.name,
        "TableId": table.uuid,
        "TableArn": table.arn,
        "TableSizeBytes": backup.size,
        "KeySchema": schemas.shown_keys(table.config),
        "TableCreationDateTime": table.created_ms / 1000,
        "ProvisionedThroughput": {"ReadCapacityUnits": table.read_units, "WriteCapacityUnits": table.write_units},
        "ItemCount": backup.items,
        "BillingMode": "PAY_PER_REQUEST" if table.on_demand else "PROVISIONED",
    } | ({"OnDemandThroughput": table.config["on_demand_throughput"]} if "on_demand_throughput" in table.config else {})


def _features(table: Table) -> Params:
    shown: Params = {}
    local = [_index(index) for index in table.indexes if not index.is_global]
    of_all = [_index(index) | _units(index) for index in table.indexes if index.is_global]
    shown |= {"LocalSecondaryIndexes": local} if local else {}
    shown |= {"GlobalSecondaryIndexes": of_all} if of_all else {}
    if table.stream_view is not None:
        shown["StreamDescription"] = {"StreamEnabled": True, "StreamViewType": table.stream_view}
    if table.ttl_attribute is not None:
        shown["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": table.ttl_attribute}
    if "key" in table.config:
        shown["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": table.config["key"]}
    return shown


def _index(index: Index) -> Params:
    return {"IndexName": index.name, "KeySchema": schemas.shown_keys(index.config), "Projection": schemas.shown_projection(index.config)}


def _units(index: Index) -> Params:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": index.read_units, "WriteCapacityUnits": index.write_units}}
