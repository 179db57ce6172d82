"""Imports from S3 into new tables.  AWS: DynamoDB API reference, ImportTable, DescribeImport, ListImports."""

from __future__ import annotations

from typing import Any

from tule.core.arn import arn
from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import creation, encryption, errors
from tule.services.dynamodb.names import resource_ref, table_ref
from tule.services.dynamodb.table import CREATING
from tule.services.dynamodb.transfers import buckets, importing, records
from tule.services.dynamodb.transfers.records import IMPORTS, Record
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 25
_SHOWN = ("ClientToken", "S3BucketSource", "InputFormat", "InputFormatOptions", "TableCreationParameters")


async def import_table(call: Call, params: Params) -> Params:
    wanted: Params = params["TableCreationParameters"]
    if "VectorIndexes" in wanted:
        raise not_implemented("dynamodb", "ImportTable with VectorIndexes")
    buckets.check_can_unpack(params.get("InputCompressionType", "NONE"))
    if params["InputFormat"] != "CSV" and (params.get("InputFormatOptions") or {}).get("Csv"):
        raise errors.validation("CSV options can only be specified when InputFormat is CSV")
    creation.check(wanted)
    key = await encryption.key_of(call, wanted.get("SSESpecification"))
    refused = await _refusal(call, params["S3BucketSource"])
    if refused is not None:
        raise errors.validation(f"{importing.failure_code(refused)}: {refused.message}")
    return await call.node.store.write(lambda tx: _begin(call, tx, params, key))


async def _refusal(call: Call, source: Params) -> ServiceError | None:
    """What S3 would say to the caller."""
    bucket = source["S3Bucket"]
    listed = await buckets.check_may(call, "ListObjectsV2", {"Bucket": bucket})
    return listed or await buckets.check_may(call, "GetObject", {"Bucket": bucket, "Key": f"{source.get('S3KeyPrefix', '')}*"})


def _begin(call: Call, tx: Tx, params: Params, key: str | None) -> Params:
    asked = {name: value for name, value in params.items() if name != "ClientToken"}
    before = records.claimed(tx, IMPORTS, call.account, call.region, params.get("ClientToken"), asked, _conflict)
    if before is not None:
        return {"ImportTableDescription": _described(before)}
    wanted: Params = params["TableCreationParameters"]
    ref = table_ref(call.account, call.region, wanted["TableName"])
    table = creation.create(call, tx, ref, creation.config_of(tx, wanted, key, status=CREATING))
    number = records.number(tx)
    record: Record = {
        "number": number,
        "asked": asked,
        "arn": arn("dynamodb", table.region, table.account, f"table/{table.name}/import/{number}"),
        "table": table.id,
        "table_arn": table.arn,
        "table_uuid": table.uuid,
        "types": dict(table.types),
        "status": "IN_PROGRESS",
        "started_ms": tx.now_ms,
        "source": params["S3BucketSource"],
        "format": params["InputFormat"],
        "csv": (params.get("InputFormatOptions") or {}).get("Csv"),
        "compression": params.get("InputCompressionType", "NONE"),
        "shown": {name: params[name] for name in _SHOWN if name in params},
        "progress": importing.progress(),
    }
    IMPORTS.create(tx, table.account, table.region, number, record)
    records.claim(tx, IMPORTS, call.account, call.region, number, params.get("ClientToken"))
    importing.begin(tx, table.account, table.region, "import", record)
    return {"ImportTableDescription": _described(record)}


def _conflict() -> ServiceError:
    return ServiceError("ImportConflictException", "An import with the same client token and different parameters exists", 400)


def _described(record: Record) -> Params:
    done = record["progress"]
    shown: Params = {
        "ImportArn": record["arn"],
        "ImportStatus": record["status"],
        "TableArn": record["table_arn"],
        "TableId": record["table_uuid"],
        **record["shown"],
        "InputCompressionType": record["compression"],
        "StartTime": record["started_ms"] / 1000,
        "ErrorCount": done["errors"],
        "ProcessedSizeBytes": done["bytes"],
        "ProcessedItemCount": done["processed"],
        "ImportedItemCount": done["imported"],
        **record.get("failure", {}),
    }
    return shown | ({"EndTime": record["ended_ms"] / 1000} if "ended_ms" in record else {})


@reads
def describe_import(call: Call, tx: Tx, params: Params) -> Params:
    ref = resource_ref(params["ImportArn"])
    if ref is None or ref.kind != "import":
        raise errors.validation(f"Invalid ImportArn: {params['ImportArn']}")
    record = IMPORTS.get(tx, ref.table.account, ref.table.region, ref.id)
    if record is None or record["arn"] != params["ImportArn"]:
        raise ServiceError("ImportNotFoundException", f"Import not found: {params['ImportArn']}", 400)
    return {"ImportTableDescription": _described(record)}


@reads
def list_imports(call: Call, tx: Tx, params: Params) -> Params:
    table = params.get("TableArn")

    def wanted(record: Record) -> bool:
        return table is None or record["table_arn"] == table

    limit = params.get("PageSize", MAX_SHOWN)
    found, token = records.listing(tx, call.node.pager, IMPORTS, call.account, call.region, wanted, params.get("NextToken"), limit)
    names = ("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "InputFormat", "StartTime", "EndTime")
    summaries = [{name: value for name, value in _described(record).items() if name in names} for record in found]
    return {"ImportSummaryList": summaries} | ({"NextToken": token} if token is not None else {})
