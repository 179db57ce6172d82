"""Exports to S3.  AWS: DynamoDB API reference, ExportTableToPointInTime, DescribeExport, ListExports."""

from __future__ import annotations

from typing import Any

from tule.core.arn import arn
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors, pins, recovery
from tule.services.dynamodb.names import resource_ref
from tule.services.dynamodb.recovery import Window
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import table_of
from tule.services.dynamodb.transfers import buckets, exporting, records
from tule.services.dynamodb.transfers.exporting import FULL
from tule.services.dynamodb.transfers.filtering import Filter
from tule.services.dynamodb.transfers.records import EXPORTS, Record
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 25
LEAST_MS = 15 * 60_000  # an incremental export covers
MOST_MS = 24 * 3_600_000
_SHOWN = ("ClientToken", "S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "FilterSpecification")


async def export_table_to_point_in_time(call: Call, params: Params) -> Params:
    key = f"{params.get('S3Prefix', '')}/AWSDynamoDB/_started"
    refused = await buckets.check_may(call, "PutObject", {"Bucket": params["S3Bucket"], "Key": key, "Body": buckets.nothing()})
    return await call.node.store.write(lambda tx: _begin(call, tx, params, refused))


def _begin(call: Call, tx: Tx, params: Params, refused: ServiceError | None) -> Params:
    asked = {name: value for name, value in params.items() if name != "ClientToken"}
    before = records.claimed(tx, EXPORTS, call.account, call.region, params.get("ClientToken"), asked, _conflict)
    if before is not None:
        return {"ExportDescription": before["shown"]}
    table = table_of(call, tx, params["TableArn"], errors.table_not_found)
    if not table.journal:
        raise ServiceError("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{table.name}'", 400)
    if "FilterSpecification" in params:
        Filter(params["FilterSpecification"], table)  # refuses what is wrong
    record = _record(tx, table, params, asked)
    if refused is not None:
        record["shown"] |= {
            "ExportStatus": "FAILED",
            "EndTime": tx.now_ms / 1000,
            "FailureCode": exporting.failure_code(refused),
            "FailureMessage": refused.message,
        }
    EXPORTS.create(tx, table.account, table.region, record["number"], record)
    records.claim(tx, EXPORTS, call.account, call.region, record["number"], params.get("ClientToken"))
    shown = {**record["shown"], "ExportStatus": "IN_PROGRESS"}
    if refused is None:
        pins.add(tx, table, record["pin"], min(record.get("from_ms", tx.now_ms) - 1, record.get("at_ms", tx.now_ms)))
        exporting.begin(tx, table.account, table.region, record)
    return {"ExportDescription": {name: value for name, value in shown.items() if name not in ("ItemCount", "BilledSizeBytes", "EndTime")}}


def _record(tx: Tx, table: Table, params: Params, asked: Params) -> Record:
    number = records.number(tx)
    kind = params.get("ExportType", FULL)
    shown: Params = {
        "ExportArn": arn("dynamodb", table.region, table.account, f"table/{table.name}/export/{number}"),
        "ExportStatus": "IN_PROGRESS",
        "StartTime": tx.now_ms / 1000,
        "TableArn": table.arn,
        "TableId": table.uuid,
        **{name: params[name] for name in _SHOWN if name in params},
        "ExportFormat": params.get("ExportFormat", "DYNAMODB_JSON"),
        "BilledSizeBytes": 0,
        "ItemCount": 0,
        "ExportType": kind,
    }
    record: Record = {"number": number, "asked": asked, "table": table.id, "pin": rows.new_id(tx), "started_ms": tx.now_ms, "shown": shown}
    window = recovery.window(table, tx.now_ms)
    if kind == FULL:
        return _full(record, params, window)
    return _incremental(record, params.get("IncrementalExportSpecification") or {}, window)


def _full(record: Record, params: Params, window: Window) -> Record:
    if "IncrementalExportSpecification" in params:
        raise errors.validation("IncrementalExportSpecification can only be specified when ExportType is INCREMENTAL_EXPORT")
    at_ms = int(params["ExportTime"] * 1000) if "ExportTime" in params else window.latest_ms
    _check_within(at_ms, window)
    record["shown"]["ExportTime"] = at_ms / 1000
    return {**record, "at_ms": at_ms}


def _incremental(record: Record, given: Params, window: Window) -> Record:
    if "ExportFromTime" not in given:
        raise errors.validation("ExportFromTime must be specified in IncrementalExportSpecification when ExportType is INCREMENTAL_EXPORT")
    from_ms = int(given["ExportFromTime"] * 1000)
    to_ms = int(given["ExportToTime"] * 1000) if "ExportToTime" in given else window.latest_ms
    _check_within(from_ms, window)
    _check_within(to_ms, window)
    if from_ms >= to_ms:
        raise errors.validation("Export from time must be earlier than export to time")
    if not LEAST_MS <= to_ms - from_ms <= MOST_MS:
        raise errors.validation("The difference between export from time and export to time must be between 15 minutes and 24 hours")
    view = given.get("ExportViewType", "NEW_AND_OLD_IMAGES")
    times = {"ExportFromTime": from_ms / 1000, "ExportToTime": to_ms / 1000, "ExportViewType": view}
    record["shown"]["IncrementalExportSpecification"] = times
    return {**record, "from_ms": from_ms, "to_ms": to_ms, "view": view}


def _check_within(at_ms: int, window: Window) -> None:
    """Times of requests are whole seconds.  Raises InvalidExportTimeException."""
    if not window.earliest_ms // 1000 * 1000 <= at_ms <= window.latest_ms:
        raise ServiceError("InvalidExportTimeException", "ExportTime is outside of the point in time recovery window", 400)


def _conflict() -> ServiceError:
    return ServiceError("ExportConflictException", "An export with the same client token and different parameters exists", 400)


@reads
def describe_export(call: Call, tx: Tx, params: Params) -> Params:
    ref = resource_ref(params["ExportArn"])
    if ref is None or ref.kind != "export":
        raise errors.validation(f"Invalid ExportArn: {params['ExportArn']}")
    record = EXPORTS.get(tx, ref.table.account, ref.table.region, ref.id)
    if record is None or record["shown"]["ExportArn"] != params["ExportArn"]:
        raise ServiceError("ExportNotFoundException", f"Export not found: {params['ExportArn']}", 400)
    return {"ExportDescription": record["shown"]}


@reads
def list_exports(call: Call, tx: Tx, params: Params) -> Params:
    table = params.get("TableArn")

    def wanted(record: Record) -> bool:
        return table is None or record["shown"]["TableArn"] == table

    limit = params.get("MaxResults", MAX_SHOWN)
    found, token = records.listing(tx, call.node.pager, EXPORTS, call.account, call.region, wanted, params.get("NextToken"), limit)
    summaries = [{name: record["shown"][name] for name in ("ExportArn", "ExportStatus", "ExportType")} for record in found]
    return {"ExportSummaries": summaries} | ({"NextToken": token} if token is not None else {})
