"""Encryption of what a delivery stream keeps.  AWS: API reference, StartDeliveryStreamEncryption.

Keys of customers encrypt; that of AWS is said and shown.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.firehose import encryption, errors, lookup
from tule.services.firehose.state import streams
from tule.services.firehose.state.streams import DIRECT_PUT, Stream
from tule.store.store import Tx

Params = dict[str, Any]

_AWS_OWNED = {"KeyType": "AWS_OWNED_CMK"}


async def start_delivery_stream_encryption(call: Call, params: Params) -> Params:
    wanted = params.get("DeliveryStreamEncryptionConfigurationInput") or _AWS_OWNED
    await call.node.store.read(lambda tx: _check(call, tx, params, wanted))
    await encryption.permit(call, wanted)
    await call.node.store.write(lambda tx: _set(call, tx, params, wanted))
    return {}


def stop_delivery_stream_encryption(call: Call, tx: Tx, params: Params) -> Params:
    _set(call, tx, params, None)
    return {}


def _set(call: Call, tx: Tx, params: Params, wanted: Params | None) -> None:
    streams.save(tx, {**_check(call, tx, params, wanted), "encryption": wanted})


def _check(call: Call, tx: Tx, params: Params, wanted: Params | None) -> Stream:
    """The stream.  Raises ResourceNotFoundException, InvalidArgumentException."""
    stream = lookup.stream_of(call, tx, params)
    if stream["type"] != DIRECT_PUT:
        raise errors.invalid_argument("Encryption is only supported with Firehose streams of type DirectPut.")
    if wanted is not None and (wanted["KeyType"] == encryption.CUSTOMERS) != ("KeyARN" in wanted):
        raise errors.invalid_argument("KeyARN must be specified for the KeyType CUSTOMER_MANAGED_CMK, and only for it.")
    return stream
