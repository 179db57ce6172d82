"""Finding what a request names."""

from __future__ import annotations

from typing import Any

from tule.core.tags import MAX_TAGS, violation
from tule.platform.call import Call
from tule.services.kinesis import errors, names
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import shards, streams
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]


def stream_of(call: Call, tx: Tx, params: Params) -> Stream:
    """Raises ResourceNotFoundException."""
    return stream_at(tx, names.stream_ref(call, params))


def stream_at(tx: Tx, ref: StreamRef) -> Stream:
    """Raises ResourceNotFoundException."""
    stream = streams.find(tx, ref)
    if stream is None:
        raise errors.no_stream(ref.name, ref.account)
    return stream


def shard_of(tx: Tx, stream: Stream, shard_id: str) -> Shard:
    """Raises ResourceNotFoundException for what never was, and for what is expired."""
    index = names.shard_index(shard_id)
    shard = None if index is None else shards.find(tx, stream, index)
    if shard is None or shard.expired(tx.now_ms - stream.retention_ms):
        raise errors.no_shard(shard_id, stream.ref.name, stream.ref.account)
    return shard


def check_provisioned(stream: Stream) -> None:
    """Raises ValidationException for streams that AWS scales by itself."""
    if stream.is_on_demand:
        raise errors.validation(f"Request is invalid. Stream {stream.ref.name} under account {stream.ref.account} is in On-Demand mode.")


def check_tags(call: Call, given: dict[str, str], all_tags: dict[str, str], name: str, account: str) -> None:
    """Tags with `aws:` are CloudFormation's, whose calls do not come from outside.  Raises InvalidArgumentException."""
    if len(all_tags) > MAX_TAGS:
        raise errors.invalid_argument(
            f"Failed to add tags to stream {name} under account {account} because a given stream cannot have more than {MAX_TAGS} tags"
            " associated with it."
        )
    wrong = violation(given)
    if wrong is not None:
        raise errors.invalid_argument(f"Tags are not valid: {wrong}.")
