"""Bulk puts: items out of a bucket into a table that exists.

AWS: DynamoDB API reference, StartBulkPutItems, DescribeBulkOperation, ListBulkOperations, CancelBulkOperation.
"""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors
from tule.services.dynamodb.tables import table_of
from tule.services.dynamodb.transfers import buckets, importing, records
from tule.services.dynamodb.transfers.records import BULKS, Record
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 25
KEPT_MS = 90 * 86_400_000
_SHOWN = ("ClientToken", "InputS3Configuration", "OutputS3Configuration", "MaxWriteRequestUnits")


async def start_bulk_put_items(call: Call, params: Params) -> Params:
    source: Params = params["InputS3Configuration"]
    buckets.check_can_unpack(source.get("InputCompressionType", "NONE"))
    output: Params = params["OutputS3Configuration"]
    if "S3Bucket" not in output:
        raise errors.validation("S3Bucket must be specified in OutputS3Configuration")
    refused = await buckets.check_may(call, "ListObjectsV2", {"Bucket": source["S3Bucket"]})
    refused = refused or await buckets.check_may(call, "GetObject", {"Bucket": source["S3Bucket"], "Key": f"{source.get('S3KeyPrefix', '')}*"})
    target = {"Bucket": output["S3Bucket"], "Key": f"{output.get('S3KeyPrefix', '')}errors", "Body": buckets.nothing()}
    refused = refused or await buckets.check_may(call, "PutObject", target)
    if refused is not None:
        raise errors.validation(f"{importing.failure_code(refused)}: {refused.message}")
    return await call.node.store.write(lambda tx: _begin(call, tx, params))


def _begin(call: Call, tx: Tx, params: Params) -> Params:
    asked = {name: value for name, value in params.items() if name != "ClientToken"}
    before = records.claimed(tx, BULKS, call.account, call.region, params.get("ClientToken"), asked, _mismatch)
    if before is not None:
        return {"BulkOperationDescription": _described(before)}
    table = table_of(call, tx, params["TableName"])
    if not table.is_usable:
        raise errors.table_in_use(table.name)
    source: Params = params["InputS3Configuration"]
    number = records.number(tx)
    record: Record = {
        "number": number,
        "asked": asked,
        "arn": arns.arn("dynamodb", table.region, table.account, f"table/{table.name}/bulk-operation/{number}"),
        "table": table.id,
        "table_name": table.name,
        "table_uuid": table.uuid,
        "types": dict(table.types),
        "status": "IN_PROGRESS",
        "started_ms": tx.now_ms,
        "source": source,
        "output": params["OutputS3Configuration"],
        "format": source["InputFormat"],
        "compression": source.get("InputCompressionType", "NONE"),
        "tier": params.get("PerformanceTier", "STANDARD"),
        "shown": {name: params[name] for name in _SHOWN if name in params},
        "progress": importing.progress(),
    }
    BULKS.create(tx, table.account, table.region, number, record)
    records.claim(tx, BULKS, call.account, call.region, number, params.get("ClientToken"))
    importing.begin(tx, table.account, table.region, "bulk", record)
    return {"BulkOperationDescription": _described(record)}


def _mismatch() -> ServiceError:
    return ServiceError("IdempotentParameterMismatchException", "A bulk operation with the same client token and different parameters exists", 400)


@reads
def describe_bulk_operation(call: Call, tx: Tx, params: Params) -> Params:
    return {"BulkOperationDescription": _described(_found(call, tx, params["BulkOperationArn"]))}


@reads
def list_bulk_operations(call: Call, tx: Tx, params: Params) -> Params:
    def wanted(record: Record) -> bool:
        return tx.now_ms - record["started_ms"] < KEPT_MS

    limit = params.get("MaxResults", MAX_SHOWN)
    token = params.get("NextToken")
    found, more = records.listing(tx, call.node.pager, BULKS, call.account, call.region, wanted, _unhexed(token), limit)
    names = ("BulkOperationArn", "BulkOperationStatus", "StartTime", "EndTime")
    summaries = [{name: value for name, value in _described(record).items() if name in names} for record in found]
    return {"BulkOperationsSummaryList": summaries} | ({"NextToken": _hexed(more)} if more is not None else {})


def cancel_bulk_operation(call: Call, tx: Tx, params: Params) -> Params:
    """What is written stays."""
    record = _found(call, tx, params["BulkOperationArn"])
    if record["status"] == "IN_PROGRESS":
        failure = {"FailureCode": "Cancelled", "FailureMessage": "It was cancelled."}
        ended: Record = {"status": "CANCELLED", "ended_ms": tx.now_ms, "failure": failure}
        record = record | ended
        BULKS.put(tx, call.account, call.region, record["number"], record)
    return {"BulkOperationArn": record["arn"], "BulkOperationStatus": record["status"]}


def _found(call: Call, tx: Tx, arn: str) -> Record:
    record = BULKS.get(tx, call.account, call.region, arn.rpartition("/")[2])
    if record is None or record["arn"] != arn:
        raise errors.not_found(f"Bulk operation not found: {arn}")
    return record


def _described(record: Record) -> Params:
    done = record["progress"]
    shown: Params = {
        "BulkOperationArn": record["arn"],
        "BulkOperationStatus": record["status"],
        "TableDetails": [{"TableName": record["table_name"], "TableId": record["table_uuid"]}],
        **record["shown"],
        "StartTime": record["started_ms"] / 1000,
        "ProcessedItemCount": done["processed"],
        "ProcessedInputBytes": done["bytes"],
        "FailedItemCount": done["errors"],
        "PerformanceTier": record["tier"],
        **record.get("failure", {}),
    }
    return shown | ({"EndTime": record["ended_ms"] / 1000, "TotalInputBytes": done["bytes"]} if "ended_ms" in record else {})


def _hexed(token: str) -> str:
    """The model has its token of hexadecimal digits, sixteen at a time."""
    digits = token.encode().hex()
    return digits + "0" * (-len(digits) % 16)


def _unhexed(token: str | None) -> str | None:
    return None if token is None else bytes.fromhex(token).rstrip(b"\0").decode(errors="replace")
