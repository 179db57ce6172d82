"""Records: appended, read from a position on, trimmed.

A record is kept as the JSON of the answer that shows it, so that a page is joined and not encoded.  Its key is its shard's
number and its position.  Times of arrival never go back within a stream.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tule.services.kinesis import sequence
from tule.services.kinesis.state.shards import POSITION_BITS, Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

MAX_READ_BYTES = 10 * 1024 * 1024

_TAKE = "UPDATE kinesis_positions SET next = next + ?, last_ms = greatest(last_ms, ?) WHERE stream = ? RETURNING next, last_ms"
_INSERT = "INSERT INTO kinesis_records (id, arrived_ms, size, fragment) VALUES (?, ?, ?, ?)"
_READ = "SELECT id, arrived_ms, size, fragment FROM kinesis_records WHERE id > ? AND id < ? AND arrived_ms >= ? ORDER BY id LIMIT ?"
_FIRST = "SELECT id, arrived_ms FROM kinesis_records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1"
_OLDEST = "SELECT id, arrived_ms FROM kinesis_records WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
_CUT = "DELETE FROM kinesis_records WHERE id > ? AND id <= ?"

_FRAGMENT = b'{"SequenceNumber":"%b","ApproximateArrivalTimestamp":%b,"Data":"%b","PartitionKey":%b%b}'
ENCRYPTED = b',"EncryptionType":"KMS"'


class Entry(NamedTuple):
    """A record on its way in, and the shard that it goes to."""

    shard: Shard
    key: str
    data: bytes


@dataclass(slots=True, frozen=True)
class Page:
    """`fragments` are records as JSON; `after` is where the next page begins; `more` says that there is one already."""

    fragments: list[bytes]
    size: int
    after: int
    last_ms: int
    more: bool


def append(tx: Tx, stream: Stream, entries: Sequence[Entry]) -> list[str]:
    """Their sequence numbers."""
    if not entries:
        return []
    row = tx.one(_TAKE, len(entries), tx.now_ms, stream.id)
    assert row is not None
    position, arrived_ms = row[0] - len(entries), row[1]
    second, millis = divmod(arrived_ms, 1000)
    arrived = b"%d.%03d" % (second, millis)
    encrypted = ENCRYPTED if stream.config.get("key") else b""
    bases: dict[int, int] = {}
    numbers: list[str] = []
    rows: list[tuple[int, int, int, bytes]] = []
    for shard, key, data in entries:
        position += 1
        base = bases.get(shard.number)
        if base is None:
            base = bases[shard.number] = sequence.base(shard.opened_s, shard.index, second)
        number = sequence.numbered(base, position)
        numbers.append(number)
        fragment = _FRAGMENT % (number.encode(), arrived, b2a_base64(data, newline=False), orjson.dumps(key), encrypted)
        rows.append(((shard.number << POSITION_BITS) | position, arrived_ms, len(data) + text_size(key), fragment))
    tx.many(_INSERT, rows)
    tx.wake(stream.ref.arn)
    return numbers


def text_size(key: str) -> int:
    """Bytes of a partition key."""
    return len(key) if key.isascii() else len(key.encode())


def read(tx: Tx, stream: Stream, shard: Shard, after: int, limit: int, max_bytes: int = MAX_READ_BYTES) -> Page:
    """Up to `limit` records, and no more bytes than fit (but one record always does)."""
    low, high = bounds(shard.number)
    fragments: list[bytes] = []
    size, last_id, last_ms, more = 0, low + after, 0, False
    for id, arrived_ms, bytes_, fragment in tx.each(_READ, low + after, high, tx.now_ms - stream.retention_ms, limit + 1):
        if len(fragments) == limit or (fragments and size + bytes_ > max_bytes):
            more = True
            break
        fragments.append(fragment)
        size, last_id, last_ms = size + bytes_, id, arrived_ms
    return Page(fragments, size, last_id - low, last_ms, more)


def position_at(tx: Tx, shard: Shard, at_ms: int, end: int) -> int:
    """After which position the records of a shard begin that arrived at `at_ms` or later; `end` is the stream's."""
    base, high = bounds(shard.number)
    first, last = shard.opened_at, end  # the record sought is after `first`, and if at all not after `last`
    while first < last:
        middle = (first + last) // 2
        row = tx.one(_FIRST, base + middle + 1, high)
        if row is not None and row[1] < at_ms:
            first = row[0] - base
        else:
            last = middle
    return first


def trim(tx: Tx, number: int, before_ms: int, at_once: int) -> int:
    """Remove up to `at_once` of a shard's oldest records, those that arrived before; how many that were."""
    low, high = bounds(number)
    old = [id for id, arrived_ms in tx.all(_OLDEST, low, high, at_once) if arrived_ms < before_ms]
    if old:
        tx.execute(_CUT, low, old[-1])
    return len(old)


def decoded(fragment: bytes) -> dict[str, Any]:
    """As a plain record, for answers that are not JSON."""
    record = orjson.loads(fragment)
    record["Data"] = b64decode(record["Data"])
    return record


def bounds(number: int) -> tuple[int, int]:
    return number << POSITION_BITS, (number + 1) << POSITION_BITS
