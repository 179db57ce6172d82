"""Making, describing, changing and deleting delivery streams.  AWS: Amazon Data Firehose API reference.

A stream is ready when CreateDeliveryStream answers, and gone when DeleteDeliveryStream does: there is nothing to wait for.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import not_implemented
from tule.core.tags import to_map, violation
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.firehose import buffering, configuration, encryption, errors, lookup
from tule.services.firehose.destinations import settings
from tule.services.firehose.state import checkpoints, streams
from tule.services.firehose.state.streams import DIRECT_PUT, KINESIS, STREAMS, Stream
from tule.store.store import Tx

Params = dict[str, Any]

DESTINATION_ID = "destinationId-000000000001"
MAX_LISTED = 10
SOURCES_TOPIC = "firehose.sources"


async def create_delivery_stream(call: Call, params: Params) -> Params:
    await encryption.permit(call, params.get("DeliveryStreamEncryptionConfigurationInput"))
    return await call.node.store.write(lambda tx: _create(call, tx, params))


def _create(call: Call, tx: Tx, params: Params) -> Params:
    name, kind_of_source = params["DeliveryStreamName"], params.get("DeliveryStreamType", DIRECT_PUT)
    if kind_of_source not in (DIRECT_PUT, KINESIS):
        raise not_implemented("firehose", f"CreateDeliveryStream with DeliveryStreamType {kind_of_source}")
    named = [kind for kind in settings.KINDS.values() if kind.configuration in params]
    if len(named) != 1:
        raise errors.invalid_argument("Exactly one destination configuration is supported for a Firehose")
    (kind,) = named
    config = settings.complete(kind, params[kind.configuration])
    configuration.check(kind, config, strict=call.node.config.strict)
    tags = to_map(params.get("Tags"))
    _check_tags(call, tags)
    stream: Stream = {
        "id": tx.ids.hex(32),
        "name": name,
        "account": call.account,
        "region": call.region,
        "type": kind_of_source,
        "created_ms": tx.now_ms,
        "updated_ms": tx.now_ms,
        "version": "1",
        "kind": kind.name,
        "destination": config,
        "source": _source(kind_of_source, params),
        "encryption": params.get("DeliveryStreamEncryptionConfigurationInput"),
        "tags": tags,
        "throughput_hint": (params.get("DirectPutSourceConfiguration") or {}).get("ThroughputHintInMBs"),
    }
    if not streams.create(tx, stream):
        raise errors.stream_exists(name, call.account)
    tx.wake(SOURCES_TOPIC)
    return {"DeliveryStreamARN": streams.arn_of(stream)}


def _source(kind: str, params: Params) -> Params | None:
    """Raises InvalidArgumentException."""
    given: Params | None = params.get("KinesisStreamSourceConfiguration")
    if kind == KINESIS and given is None:
        raise errors.invalid_argument("KinesisStreamSourceConfig must be specified when DeliveryStreamType is KinesisStreamAsSource.")
    if kind == DIRECT_PUT and given is not None:
        raise errors.invalid_argument("KinesisStreamSourceConfig is only applicable for KinesisStreamAsSource stream type.")
    if kind == KINESIS and "DeliveryStreamEncryptionConfigurationInput" in params:
        raise errors.invalid_argument("DeliveryStreamEncryptionConfigurationInput is only supported with Firehose streams of type DirectPut.")
    return given


def _check_tags(call: Call, tags: dict[str, str]) -> None:
    """Tags with `aws:` are CloudFormation's, whose calls do not come from outside.  Raises InvalidArgumentException."""
    wrong = violation(tags)
    if wrong is not None:
        raise errors.invalid_argument(f"Tags are not valid: {wrong}.")


def delete_delivery_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    buffering.forget(tx, stream)
    checkpoints.forget(tx, stream["id"])
    streams.delete(tx, stream)
    tx.wake(SOURCES_TOPIC)
    return {}


@reads
def describe_delivery_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    kind = settings.kind_of(stream)
    destination: Params = {"DestinationId": DESTINATION_ID, kind.description: settings.described(kind, stream["destination"])}
    if kind.name == "ExtendedS3":
        destination["S3DestinationDescription"] = stream["destination"]
    after = params.get("ExclusiveStartDestinationId", "")
    described: Params = {
        "DeliveryStreamName": stream["name"],
        "DeliveryStreamARN": streams.arn_of(stream),
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": _encryption(stream),
        "DeliveryStreamType": stream["type"],
        "VersionId": stream["version"],
        "CreateTimestamp": stream["created_ms"] / 1000,
        "LastUpdateTimestamp": None if stream["updated_ms"] == stream["created_ms"] else stream["updated_ms"] / 1000,
        "Source": _described_source(stream),
        "Destinations": [destination] if after < DESTINATION_ID else [],
        "HasMoreDestinations": False,
    }
    return {"DeliveryStreamDescription": described}


def _encryption(stream: Stream) -> Params:
    given: Params | None = stream["encryption"]
    return {"Status": "DISABLED"} if given is None else {**given, "Status": "ENABLED"}


def _described_source(stream: Stream) -> Params | None:
    if stream["source"] is not None:
        return {"KinesisStreamSourceDescription": {**stream["source"], "DeliveryStartTimestamp": stream["created_ms"] / 1000}}
    if stream["throughput_hint"] is not None:
        return {"DirectPutSourceDescription": {"ThroughputHintInMBs": stream["throughput_hint"]}}
    return None


@reads
def list_delivery_streams(call: Call, tx: Tx, params: Params) -> Params:
    limit, after, kind = params.get("Limit", MAX_LISTED), params.get("ExclusiveStartDeliveryStreamName", ""), params.get("DeliveryStreamType")
    found = [name for name, stream in STREAMS.page(tx, call.account, call.region, after=after) if kind in (None, stream["type"])]
    return {"DeliveryStreamNames": found[:limit], "HasMoreDeliveryStreams": len(found) > limit}


def update_destination(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    if params["CurrentDeliveryStreamVersionId"] != stream["version"]:
        raise errors.other_version(params["CurrentDeliveryStreamVersionId"], stream["version"])
    if params["DestinationId"] != DESTINATION_ID:
        raise errors.invalid_argument(f"Destination Id {params['DestinationId']} not found")
    named = [kind for kind in settings.KINDS.values() if kind.update in params]
    if len(named) != 1:
        raise errors.invalid_argument("Exactly one destination update is supported for a Firehose")
    (kind,) = named
    current = stream["destination"] if kind.name == stream["kind"] or _are_both_s3(kind.name, stream["kind"]) else {}
    config = settings.merged(kind, current, params[kind.update])
    configuration.check(kind, config, strict=call.node.config.strict)
    changed = {**stream, "kind": kind.name, "destination": config, "version": str(int(stream["version"]) + 1), "updated_ms": tx.now_ms}
    streams.save(tx, changed)
    return {}


def _are_both_s3(kind: str, other: str) -> bool:
    return {kind, other} <= {"S3", "ExtendedS3"}
