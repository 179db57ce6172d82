"""Shard iterators: where a reader is, in a sealed token that lasts fifteen minutes.

AWS: DynamoDB Streams API reference, GetShardIterator.  As AWS's, an iterator begins with the ARN of its stream.
"""

from __future__ import annotations

from dataclasses import dataclass

from tule.core.paging import InvalidToken, Pager
from tule.services.dynamodb.streams import errors

LIFE_MS = 15 * 60_000
_SCOPE = "dynamodb.iterator"
_MIDDLE = "|1|"


@dataclass(slots=True, frozen=True)
class Place:
    """After which position of a shard to go on."""

    shard: int
    after: int


def token(pager: Pager, stream_arn: str, place: Place, now_ms: int) -> str:
    return stream_arn + _MIDDLE + pager.token(_SCOPE, [place.shard, place.after, now_ms])


def stream_of(iterator: str) -> str:
    """The ARN of the stream that an iterator says it is of; empty when it says none."""
    arn, middle, _ = iterator.partition(_MIDDLE)
    return arn if middle else ""


def place(pager: Pager, iterator: str, now_ms: int) -> Place:
    """Raises ValidationException and ExpiredIteratorException."""
    try:
        shard, after, made_ms = pager.position(_SCOPE, iterator.rpartition(_MIDDLE)[2])
    except InvalidToken as error:
        raise errors.invalid_iterator() from error
    if now_ms - made_ms > LIFE_MS:
        raise errors.expired_iterator()
    return Place(shard, after)
