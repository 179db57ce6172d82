"""What streams and consumers are called, and which one a request means."""

from __future__ import annotations

from typing import Any, NamedTuple

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.kinesis import errors

Params = dict[str, Any]


class StreamRef(NamedTuple):
    """Whose stream, where, and its name."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("kinesis", self.region, self.account, f"stream/{self.name}")


class ConsumerRef(NamedTuple):
    stream: StreamRef
    name: str
    created_s: int  # 0: not said


def stream_ref(call: Call, params: Params) -> StreamRef:
    """From StreamARN or StreamName.  Raises InvalidArgumentException when neither is there or they contradict one another."""
    arn, name = params.get("StreamARN"), params.get("StreamName")
    if arn is None:
        if name is None:
            raise errors.no_stream_named()
        return StreamRef(call.account, call.region, name)
    ref = of_stream_arn(arn)
    if name is not None and name != ref.name:
        raise errors.invalid_argument(f"StreamARN {arn} and StreamName {name} do not refer to the same stream.")
    return ref


def of_stream_arn(text: str) -> StreamRef:
    """Raises InvalidArgumentException."""
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise errors.invalid_argument(f"Invalid StreamARN: {text}") from error
    if arn.resource_type != "stream" or "/" in arn.resource_id:
        raise errors.invalid_argument(f"Invalid StreamARN: {text}")
    return StreamRef(arn.account, arn.region, arn.resource_id)


def is_consumer_arn(text: str) -> bool:
    return "/consumer/" in text


def consumer_arn(stream: StreamRef, name: str, created_s: int) -> str:
    return f"{stream.arn}/consumer/{name}:{created_s}"


def of_consumer_arn(text: str) -> ConsumerRef:
    """Raises InvalidArgumentException."""
    try:
        arn = arns.parse(text)
        stream, _, rest = arn.resource_id.partition("/consumer/")
        name, _, created = rest.rpartition(":")
        return ConsumerRef(StreamRef(arn.account, arn.region, stream), name, int(created))
    except ValueError as error:
        raise errors.invalid_argument(f"Invalid ConsumerARN: {text}") from error


class QueueRef(NamedTuple):
    """Whose queue, where, and its name."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("kinesis", self.region, self.account, f"queue/{self.name}")


def is_queue_arn(text: str) -> bool:
    return ":queue/" in text


def of_queue_arn(text: str) -> QueueRef:
    """Raises InvalidArgumentException."""
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise errors.invalid_argument(f"Invalid QueueARN: {text}") from error
    if arn.resource_type != "queue" or "/" in arn.resource_id:
        raise errors.invalid_argument(f"Invalid QueueARN: {text}")
    return QueueRef(arn.account, arn.region, arn.resource_id)


def shard_id(index: int) -> str:
    return f"shardId-{index:012d}"


def shard_index(text: str) -> int | None:
    """None for what is no shard's id."""
    digits = text.removeprefix("shardId-")
    return int(digits) if digits.isdigit() and len(digits) < 19 else None
