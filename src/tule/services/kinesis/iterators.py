"""Shard iterators: where a reader is, in a sealed token that lasts five minutes.

AWS: Kinesis Data Streams API reference, GetShardIterator.
"""

from __future__ import annotations

from dataclasses import dataclass

from tule.core.paging import InvalidToken, Pager
from tule.services.kinesis import errors, sequence
from tule.services.kinesis.state import records, shards
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

TOLERATED_MS = 300_000
_SCOPE = "kinesis.iterator"


@dataclass(slots=True, frozen=True)
class Position:
    """After which of a shard's positions to go on."""

    stream: int
    shard: int
    after: int


def token(pager: Pager, position: Position, now_ms: int) -> str:
    return pager.token(_SCOPE, [position.stream, position.shard, position.after, now_ms])


def position(pager: Pager, iterator: str, now_ms: int) -> Position:
    """Raises InvalidArgumentException and ExpiredIteratorException."""
    try:
        stream, shard, after, made_ms = pager.position(_SCOPE, iterator)
    except InvalidToken as error:
        raise errors.invalid_argument("Invalid ShardIterator.") from error
    if now_ms - made_ms > TOLERATED_MS:
        raise errors.expired_iterator(made_ms, now_ms, TOLERATED_MS)
    return Position(stream, shard, after)


def start(tx: Tx, stream: Stream, shard: Shard, kind: str, number: str | None, timestamp: float | None, operation: str = "GetShardIterator") -> int:
    """After which position a reader begins that asks for `kind` (`AT_SEQUENCE_NUMBER`, `LATEST`, ...).

    Raises InvalidArgumentException for a sequence number of another shard, for a time to come, and for what is missing.
    """
    match kind:
        case "TRIM_HORIZON":
            return shard.opened_at
        case "LATEST":
            return shards.position(tx, stream)
        case "AT_TIMESTAMP":
            return _at_timestamp(tx, stream, shard, timestamp)
        case _:
            found = _sequence(stream, shard, number, operation)
            return found.position - (kind == "AT_SEQUENCE_NUMBER")


def _at_timestamp(tx: Tx, stream: Stream, shard: Shard, timestamp: float | None) -> int:
    if timestamp is None:
        raise errors.invalid_argument(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter."
        )
    at_ms = round(timestamp * 1000)
    if at_ms > tx.now_ms:
        raise errors.invalid_argument(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis."
            f" timestampInMillis: {at_ms}, currentTimestampInMillis: {tx.now_ms}"
        )
    return records.position_at(tx, shard, at_ms, shards.position(tx, stream))


def _sequence(stream: Stream, shard: Shard, number: str | None, operation: str) -> sequence.Sequence:
    name, account = stream.ref.name, stream.ref.account
    if number is None:
        raise errors.invalid_argument(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or"
            " (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."
        )
    found = sequence.parse(number)
    if found is None:
        raise errors.invalid_argument(
            f"StartingSequenceNumber {number} used in {operation} on shard {shard.id} in stream {name} under account {account} is invalid."
        )
    if found.shard != shard.index or found.opened_s != shard.opened_s:
        raise errors.invalid_argument(
            f"Invalid StartingSequenceNumber. It encodes shardId-{found.shard:012d}, while it was used in a call to a shard with {shard.id}"
        )
    return found
