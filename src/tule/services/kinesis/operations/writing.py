"""Putting records.  AWS: Kinesis Data Streams API reference, PutRecord, PutRecords."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.throttling import is_limited
from tule.services.kinesis import encryption, errors, hash_keys, layouts, lookup, names, sequence, throughput
from tule.services.kinesis.appending import Appended
from tule.services.kinesis.encryption import StreamVault
from tule.services.kinesis.layouts import Layout
from tule.services.kinesis.metrics import Written
from tule.services.kinesis.operations.reading import reads_json
from tule.services.kinesis.state import streams
from tule.services.kinesis.state.records import Entry
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

MAX_REQUEST_BYTES = 10 * 1024 * 1024
_KEY_OF_NOBODY = ""  # of records that AWS distributes by itself


async def put_record(call: Call, params: Params) -> Params:
    admitted = await _admitted(call, params, [params])
    if admitted[0] is not None:
        shard, stream = admitted[0]
        raise errors.rate_exceeded(shard.id, stream.ref.name, stream.ref.account)

    def prepare(at_hand: StreamVault | None, tx: Tx, stream: Stream, layout: Layout) -> list[Entry]:
        _check_order(stream, params.get("SequenceNumberForOrdering"), tx.now_ms)
        entries = _entries(tx, stream, layout, [params])
        if params.get("DryRun"):
            raise errors.dry_run()
        return encryption.sealed(tx, stream, entries, at_hand)

    ref = names.stream_ref(call, params)
    stream, (entry,), (number,) = await encryption.append(call, ref, lambda at_hand: partial(prepare, at_hand))
    call.measured = Written(ref, 1, _size([params]))
    return {"ShardId": entry.shard.id, "SequenceNumber": number, "EncryptionType": _encryption(stream)}


async def put_records(call: Call, params: Params) -> Params:
    given = params["Records"]
    admitted = await _admitted(call, params, given)
    taken: Sequence[Params] = [one for one, refusal in zip(given, admitted, strict=True) if refusal is None] if any(admitted) else given
    size = _size(taken)

    def prepare(at_hand: StreamVault | None, tx: Tx, stream: Stream, layout: Layout) -> list[Entry]:
        entries = _entries(tx, stream, layout, taken, "records.{}.member.")
        if size > MAX_REQUEST_BYTES:
            raise errors.invalid_argument("Records size exceeds 10 MB limit")
        if params.get("DryRun"):
            raise errors.dry_run()
        return encryption.sealed(tx, stream, entries, at_hand)

    if not taken:
        return {"FailedRecordCount": len(given), "Records": [_refused(*refusal) for refusal in admitted if refusal is not None]}
    ref = names.stream_ref(call, params)
    appended = await encryption.append(call, ref, lambda at_hand: partial(prepare, at_hand))
    answer: Params = {"FailedRecordCount": len(given) - len(taken), "EncryptionType": _encryption(appended.stream)}
    if len(taken) < len(given):
        done = iter(_done(appended))
        return {**answer, "Records": [next(done) if refusal is None else _refused(*refusal) for refusal in admitted]}
    call.measured = Written(ref, len(given), size)
    return {**answer, "Records": _joined(appended) if reads_json(call) else _done(appended)}


def _done(appended: Appended) -> list[Params]:
    return [{"SequenceNumber": number, "ShardId": entry.shard.id} for entry, number in zip(appended.entries, appended.numbers, strict=True)]


def _joined(appended: Appended) -> orjson.Fragment:
    """The same as JSON: neither numbers nor ids have anything in them that would have to be escaped."""
    ends = {number: f'","ShardId":"{shard.id}"}}' for number, shard in {entry.shard.number: entry.shard for entry in appended.entries}.items()}
    shown = [f'{{"SequenceNumber":"{number}{ends[entry.shard.number]}' for entry, number in zip(appended.entries, appended.numbers, strict=True)]
    return orjson.Fragment(f"[{','.join(shown)}]")


def _refused(shard: Shard, stream: Stream) -> Params:
    return {
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": errors.rate_exceeded_text(shard.id, stream.ref.name, stream.ref.account),
    }


async def _admitted(call: Call, params: Params, given: Sequence[Params]) -> list[tuple[Shard, Stream] | None]:
    """For each record None, or the shard that cannot take it now: asked outside the transaction, which may run twice."""
    if not is_limited(call):
        return [None] * len(given)

    def look(tx: Tx) -> tuple[Stream, list[Entry]]:
        stream = lookup.stream_of(call, tx, params)
        layout = layouts.of(call.node, tx, stream)
        return stream, _entries(tx, stream, layout, given)

    stream, entries = await call.node.store.read(look)
    if stream.is_on_demand:
        return [None] * len(given)
    rates, now_ms = throughput.of(call.node), call.now_ms
    return [None if rates.take_write(entry.shard.number, len(entry.data) + len(entry.key), now_ms) else (entry.shard, stream) for entry in entries]


def _size(given: Sequence[Params]) -> int:
    """As it counts against limits."""
    return sum([len(record["Data"]) + len(record.get("PartitionKey") or _KEY_OF_NOBODY) for record in given])


def _entries(tx: Tx, stream: Stream, layout: Layout, given: Sequence[Params], where: str = "") -> list[Entry]:
    """`where` is how refusals name the record of a number.  Raises InvalidArgumentException, ValidationException."""
    if stream.config["distribution"] == streams.AUTO:
        return [_anywhere(tx, layout, record) for record in given]
    most, only = stream.config["max_record_kib"] * 1024, layout.only
    entries: list[Entry] = []
    for number, record in enumerate(given, 1):
        data, key = record["Data"], record.get("PartitionKey")
        if key is None:
            raise errors.null_member(f"{where.format(number)}partitionKey")
        if len(data) + len(key) > most:
            raise _too_large(where.format(number), most)
        explicit = record.get("ExplicitHashKey")
        if explicit is None:
            entries.append(Entry(only or layout.shard_of(hash_keys.of_partition_key(key)), key, data))
        else:
            entries.append(Entry(layout.shard_of(_explicit(explicit)), key, data))
    return entries


def _anywhere(tx: Tx, layout: Layout, record: Params) -> Entry:
    """Of a stream whose records AWS distributes by itself."""
    return Entry(layout.shard_of(int.from_bytes(tx.ids.bytes(16), "big")), record.get("PartitionKey") or _KEY_OF_NOBODY, record["Data"])


def _too_large(where: str, most: int) -> ServiceError:
    return errors.validation(
        f"1 validation error detected: Value at '{where}data' failed to satisfy constraint: Member must have length less than or equal to {most}"
    )


def _explicit(text: str) -> int:
    key = int(text)
    if key >= hash_keys.SPACE:
        raise errors.invalid_argument(f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}")
    return key


def _check_order(stream: Stream, number: str | None, now_ms: int) -> None:
    """Whatever comes after this number was given comes after it: positions only grow.  Raises InvalidArgumentException."""
    if number is None:
        return
    found = sequence.parse(number)
    if found is None or found.given_s > now_ms // 1000:
        raise errors.invalid_argument(
            f"ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {stream.ref.name} under account {stream.ref.account} is invalid."
        )


def _encryption(stream: Stream) -> str | None:
    return "KMS" if stream.config.get("key") else None
