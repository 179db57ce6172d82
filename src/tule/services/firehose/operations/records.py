"""Putting records.  AWS: Amazon Data Firehose API reference, PutRecord, PutRecordBatch."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tule.platform.call import Call
from tule.platform.encryption import Vault
from tule.services.firehose import buffering, encryption, errors, lookup
from tule.services.firehose.state.buffers import Record
from tule.services.firehose.state.streams import DIRECT_PUT, Stream
from tule.store.store import Tx

Params = dict[str, Any]

MAX_BATCH_BYTES = 4 * 1024 * 1024
_ID_BYTES = 165  # 220 characters


async def put_record(call: Call, params: Params) -> Params:
    return await encryption.write(call, lambda tx, vault: _put(call, tx, params, vault))


def _put(call: Call, tx: Tx, params: Params, vault: Vault | None) -> Params:
    stream = _writable(call, tx, params)
    encryption.check_at_hand(stream, vault)
    buffering.fill(tx, stream, buffering.entry_stage(stream), [Record(tx.now_ms, params["Record"]["Data"])], vault=vault)
    return {"RecordId": _id(tx), "Encrypted": stream["encryption"] is not None}


async def put_record_batch(call: Call, params: Params) -> Params:
    return await encryption.write(call, lambda tx, vault: _put_all(call, tx, params, vault))


def _put_all(call: Call, tx: Tx, params: Params, vault: Vault | None) -> Params:
    stream = _writable(call, tx, params)
    records = [Record(tx.now_ms, record["Data"]) for record in params["Records"]]
    if sum(len(record.data) for record in records) > MAX_BATCH_BYTES:
        raise errors.invalid_argument("Records size exceeds 4 MB limit")
    encryption.check_at_hand(stream, vault)
    buffering.fill(tx, stream, buffering.entry_stage(stream), records, vault=vault)
    return {
        "FailedPutCount": 0,
        "Encrypted": stream["encryption"] is not None,
        "RequestResponses": [{"RecordId": _id(tx)} for _ in records],
    }


def _writable(call: Call, tx: Tx, params: Params) -> Stream:
    """Raises ResourceNotFoundException, InvalidArgumentException."""
    stream = lookup.stream_of(call, tx, params)
    if stream["type"] != DIRECT_PUT:
        raise errors.invalid_argument(f"This operation is not permitted on {stream['type']} delivery stream type.")
    return stream


def _id(tx: Tx) -> str:
    return b64encode(tx.ids.bytes(_ID_BYTES)).decode()
