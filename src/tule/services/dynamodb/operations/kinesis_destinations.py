"""Kinesis streams as destinations of a table's changes.

AWS: API reference, EnableKinesisStreamingDestination, DisableKinesisStreamingDestination, UpdateKinesisStreamingDestination,
DescribeKinesisStreamingDestination.  A destination is ready when the call is answered: ENABLING, UPDATING and DISABLING stand in
answers alone.  Changes go there as DynamoDB's service-linked role, which is made when it is first needed.
"""

from __future__ import annotations

from typing import Any

from tule.access.principal import platform
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors
from tule.services.dynamodb.kinesis_destinations import SERVICE
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

ROLE = "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication"
_NOT_VALID = "Table is not in a valid state to {} Kinesis Streaming Destination: {}"


async def enable_kinesis_streaming_destination(call: Call, params: Params) -> Params:
    arn, wanted = params["StreamArn"], params.get("EnableKinesisStreamingConfiguration") or {}
    await call.node.store.read(lambda tx: _absent(tx, call, params))
    await _see(call, arn)
    role = await _role(call)

    def enable(tx: Tx) -> Table:
        table = _absent(tx, call, params)
        former = {name: one for name, one in _former(table).items() if name != arn}
        settings = {"role": role} | _precision(wanted)
        return rows.configure(tx, table, destinations={**_active(table), arn: settings}, former_destinations=former or None)

    table = await call.node.store.write(enable)
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": "ENABLING", "EnableKinesisStreamingConfiguration": wanted}


def _absent(tx: Tx, call: Call, params: Params) -> Table:
    """The table, when the stream is none of its destinations yet.  Raises ValidationException, ResourceNotFoundException."""
    table = table_of(call, tx, params["TableName"])
    if params["StreamArn"] in _active(table):
        why = "KinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
        raise errors.validation(_NOT_VALID.format("enable", why))
    return table


async def _see(call: Call, arn: str) -> None:
    """The caller must be allowed to see the stream, and it must be there.  Raises ResourceNotFoundException, AccessDeniedException."""
    try:
        await call.invoke("kinesis", "DescribeStream", {"StreamARN": arn}, region=arn.split(":")[3] if arn.count(":") >= 5 else None)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise errors.not_found(f"Requested resource not found: Stream: {arn} not found") from error


async def _role(call: Call) -> str:
    """The ARN of the service-linked role; whoever is the first must be allowed to make it."""
    try:
        found = await call.invoke("iam", "GetRole", {"RoleName": ROLE}, principal=platform(call.account))
    except ServiceError as error:
        if error.code != "NoSuchEntity":
            raise
        found = await call.invoke("iam", "CreateServiceLinkedRole", {"AWSServiceName": SERVICE})
    return found["Role"]["Arn"]


def disable_kinesis_streaming_destination(call: Call, tx: Tx, params: Params) -> Params:
    table, arn = table_of(call, tx, params["TableName"]), params["StreamArn"]
    active = _active(table)
    if arn not in active:
        why = "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
        raise errors.validation(_NOT_VALID.format("disable", why))
    left = {name: one for name, one in active.items() if name != arn}
    rows.configure(tx, table, destinations=left or None, former_destinations={**_former(table), arn: active[arn]})
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": "DISABLING", **_shown(params, "EnableKinesisStreamingConfiguration")}


def update_kinesis_streaming_destination(call: Call, tx: Tx, params: Params) -> Params:
    table, arn = table_of(call, tx, params["TableName"]), params["StreamArn"]
    wanted: Params = params.get("UpdateKinesisStreamingConfiguration") or {}
    if not wanted:
        why = "UpdateKinesisStreamingConfiguration cannot be null or contain only null values"
        raise errors.validation(f"Streaming destination cannot be updated with given parameters: {why}")
    active = _active(table)
    if arn not in active:
        why = f"No streaming destination with streamArn: {arn} found for table with tableName: {table.name}"
        raise errors.validation(_NOT_VALID.format("enable", why))
    precision = _precision(wanted)
    if active[arn].get("precision", "MILLISECOND") == precision["precision"]:
        why = f"Precision is already set to the desired value of {precision['precision']} for tableId: {table.uuid}, kdsArn: {arn}"
        raise errors.validation(f"Invalid Request: {why}")
    rows.configure(tx, table, destinations={**active, arn: active[arn] | precision})
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": "UPDATING", "UpdateKinesisStreamingConfiguration": wanted}


@reads
def describe_kinesis_streaming_destination(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    shown = [_destination(arn, one, "ACTIVE") for arn, one in _active(table).items()]
    shown += [_destination(arn, one, "DISABLED") for arn, one in _former(table).items()]
    return {"TableName": table.name, "KinesisDataStreamDestinations": shown}


def _destination(arn: str, settings: Params, status: str) -> Params:
    shown = {"StreamArn": arn, "DestinationStatus": status}
    return shown | ({"ApproximateCreationDateTimePrecision": settings["precision"]} if "precision" in settings else {})


def _active(table: Table) -> dict[str, Params]:
    return table.config.get("destinations") or {}


def _former(table: Table) -> dict[str, Params]:
    return table.config.get("former_destinations") or {}


def _precision(wanted: Params) -> dict[str, str]:
    name = "ApproximateCreationDateTimePrecision"
    return {"precision": wanted[name]} if name in wanted else {}


def _shown(params: Params, name: str) -> Params:
    return {name: params[name]} if name in params else {}
