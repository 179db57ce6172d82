"""How a stream is set up: retention, mode, encryption, monitoring, sizes.  AWS: Kinesis Data Streams API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.kinesis import encryption, errors, lookup
from tule.services.kinesis.operations.streams import ON_DEMAND_LIMIT
from tule.services.kinesis.state import account_settings, queues, streams
from tule.services.kinesis.state.streams import ON_DEMAND, Stream
from tule.store.store import Tx

Params = dict[str, Any]

MIN_HOURS = 24
MAX_HOURS = 8_760
METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
)


def increase_stream_retention_period(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    hours, current = _hours(params), stream.config["retention_hours"]
    if hours < current:
        raise errors.invalid_argument(
            f"Requested retention period ({hours} hours) for stream {stream.ref.name} can not be shorter than existing retention period"
            f" ({current} hours). Use DecreaseRetentionPeriod API."
        )
    streams.configure(tx, stream, retention_hours=hours)


def decrease_stream_retention_period(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    hours, current = _hours(params), stream.config["retention_hours"]
    if hours > current:
        raise errors.invalid_argument(
            f"Requested retention period ({hours} hours) for stream {stream.ref.name} can not be longer than existing retention period"
            f" ({current} hours). Use IncreaseRetentionPeriod API."
        )
    streams.configure(tx, stream, retention_hours=hours)


def _hours(params: Params) -> int:
    """Raises InvalidArgumentException."""
    hours: int = params["RetentionPeriodHours"]
    if hours < MIN_HOURS:
        raise errors.invalid_argument(
            f"Minimum allowed retention period is {MIN_HOURS} hours. Requested retention period ({hours} hours) is too short."
        )
    if hours > MAX_HOURS:
        raise errors.invalid_argument(
            f"Maximum allowed retention period is {MAX_HOURS} hours. Requested retention period ({hours} hours) is too long."
        )
    return hours


def update_stream_mode(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    mode = params["StreamModeDetails"]["StreamMode"]
    changes: Params = {"mode": mode}
    if mode == ON_DEMAND:
        if not stream.is_on_demand and streams.count_on_demand(tx, stream.ref.account, stream.ref.region) >= ON_DEMAND_LIMIT:
            raise errors.limit_exceeded(
                f"This request would exceed the on-demand stream limit for the account {stream.ref.account} in {stream.ref.region}."
                f" Limit: {ON_DEMAND_LIMIT}."
            )
        if "WarmThroughputMiBps" in params:
            _check_commitment(tx, stream)
            changes["warm_mib"] = params["WarmThroughputMiBps"]
    elif "WarmThroughputMiBps" in params:
        raise errors.invalid_argument("WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.")
    elif queues.count(tx, stream):
        raise errors.in_use(f"Stream {stream.ref.name} under account {stream.ref.account} has queues. Delete them first.")
    else:
        changes |= {"warm_mib": None, "distribution": streams.BY_KEY}
    streams.configure(tx, stream, **changes)


def update_stream_warm_throughput(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    _check_on_demand(stream)
    _check_commitment(tx, stream)
    target = params["WarmThroughputMiBps"]
    streams.configure(tx, stream, warm_mib=target)
    return {
        "StreamARN": stream.ref.arn,
        "StreamName": stream.ref.name,
        "WarmThroughput": {"TargetMiBps": target, "CurrentMiBps": target},
    }


def update_stream_record_distribution_strategy(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    if params["RecordDistributionStrategy"] == streams.AUTO:
        _check_on_demand(stream)
    streams.configure(tx, stream, distribution=params["RecordDistributionStrategy"])


def _check_on_demand(stream: Stream) -> None:
    if not stream.is_on_demand:
        raise errors.invalid_argument(f"Request is invalid. Stream {stream.ref.name} under account {stream.ref.account} is in Provisioned mode.")


def _check_commitment(tx: Tx, stream: Stream) -> None:
    """Warm throughput is for accounts that have committed themselves.  Raises InvalidArgumentException."""
    if not account_settings.is_committed(tx, stream.ref.account, stream.ref.region):
        raise errors.invalid_argument(
            "Warm throughput can only be configured for accounts that have the minimum throughput billing commitment enabled."
        )


def update_max_record_size(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    streams.configure(tx, stream, max_record_kib=params["MaxRecordSizeInKiB"])


async def start_stream_encryption(call: Call, params: Params) -> None:
    stream = await call.node.store.read(lambda tx: lookup.stream_of(call, tx, params))
    if params["EncryptionType"] != "KMS":
        raise errors.invalid_argument("EncryptionType must be KMS to start the encryption of a stream.")
    await encryption.check(call, stream, params["KeyId"])

    def start(tx: Tx) -> None:
        streams.configure(tx, lookup.stream_of(call, tx, params), key=params["KeyId"], sealed=True)

    await call.node.store.write(start)


def stop_stream_encryption(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    streams.configure(tx, stream, key=None)


def enable_enhanced_monitoring(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    before = stream.config["metrics"]
    return _monitored(tx, stream, [name for name in METRICS if name in before or name in _named(params)])


def disable_enhanced_monitoring(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    before = stream.config["metrics"]
    return _monitored(tx, stream, [name for name in before if name not in _named(params)])


def _named(params: Params) -> tuple[str, ...]:
    asked = params["ShardLevelMetrics"]
    return METRICS if "ALL" in asked else tuple(asked)


def _monitored(tx: Tx, stream: Stream, wanted: list[str]) -> Params:
    streams.configure(tx, stream, metrics=wanted)
    return {
        "StreamName": stream.ref.name,
        "StreamARN": stream.ref.arn,
        "CurrentShardLevelMetrics": stream.config["metrics"],
        "DesiredShardLevelMetrics": wanted,
    }
