"""Encryption of what a delivery stream keeps: said and shown.  AWS: API reference, StartDeliveryStreamEncryption."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.firehose import errors, lookup
from tule.services.firehose.state import streams
from tule.services.firehose.state.streams import DIRECT_PUT
from tule.store.store import Tx

Params = dict[str, Any]

_AWS_OWNED = {"KeyType": "AWS_OWNED_CMK"}


def start_delivery_stream_encryption(call: Call, tx: Tx, params: Params) -> Params:
    _set(call, tx, params, params.get("DeliveryStreamEncryptionConfigurationInput") or _AWS_OWNED)
    return {}


def stop_delivery_stream_encryption(call: Call, tx: Tx, params: Params) -> Params:
    _set(call, tx, params, None)
    return {}


def _set(call: Call, tx: Tx, params: Params, encryption: Params | None) -> None:
    stream = lookup.stream_of(call, tx, params)
    if stream["type"] != DIRECT_PUT:
        raise errors.invalid_argument("Encryption is only supported with Firehose streams of type DirectPut.")
    if encryption is not None and (encryption["KeyType"] == "CUSTOMER_MANAGED_CMK") != ("KeyARN" in encryption):
        raise errors.invalid_argument("KeyARN must be specified for the KeyType CUSTOMER_MANAGED_CMK, and only for it.")
    streams.save(tx, {**stream, "encryption": encryption})
