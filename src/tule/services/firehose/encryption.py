"""Delivery streams with a customer's key of KMS: records encrypted while they wait.

Whoever turns it on gives Firehose a grant on the key; from then on Firehose encrypts and decrypts as itself.
AWS: https://docs.aws.amazon.com/firehose/latest/dev/encryption.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tule.access.principal import Principal, aws_service, through
from tule.core.errors import ServiceError
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused, Vault
from tule.platform.node import Node
from tule.services.firehose import errors
from tule.services.firehose.acting import SERVICE
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.state.buffers import Record
from tule.services.firehose.state.streams import Stream, arn_of
from tule.store.store import Tx

Params = dict[str, Any]

CUSTOMERS = "CUSTOMER_MANAGED_CMK"
_SEALED = "sealed"  # the origin of records that are encrypted; others have JSON there, or nothing


class KeyNeeded(ServiceError):
    """The stream is encrypted, and there is no vault of its key at hand.  No caller sees it."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("InternalFailure", "The stream is encrypted.", 500)
        self.stream = stream


async def permit(call: Call, configuration: Mapping[str, Any] | None) -> None:
    """Let Firehose use the key that is configured, as far as the caller can.  Raises InvalidKMSResourceException."""
    if configuration is None or configuration["KeyType"] != CUSTOMERS:
        return
    operations = ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey"]
    params = {"KeyId": configuration["KeyARN"], "GranteePrincipal": SERVICE, "Operations": operations, "Name": "firehose"}
    try:
        await call.invoke("kms", "CreateGrant", params, principal=through(call.principal, SERVICE))
    except ServiceError as error:
        raise errors.key_refused(error.code, error.message) from error


async def write(call: Call, work: Callable[[Tx, Vault | None], Params]) -> Params:
    """A transaction that puts records.  Raises InvalidKMSResourceException."""
    at_hand: Vault | None = None
    while True:
        try:
            return await call.node.store.write(lambda tx, at_hand=at_hand: work(tx, at_hand))
        except KeyNeeded as needed:
            try:
                at_hand = await vault(call.node, needed.stream)
            except KeyRefused as refusal:
                raise errors.key_refused(refusal.kind, refusal.message) from refusal


def check_at_hand(stream: Stream, at_hand: Vault | None) -> None:
    """Raises KeyNeeded."""
    if at_hand is None and _key_of(stream) is not None:
        raise KeyNeeded(stream)


async def vault(node: Node, stream: Stream) -> Vault | None:
    """None for streams without a customer's key.  Raises KeyRefused."""
    key = _key_of(stream)
    if key is None:
        return None
    holder = Holder(_principal(stream), SERVICE, stream["region"], key, {"aws:firehose:arn": arn_of(stream)})
    return await encryption.vault(node, holder)


def _key_of(stream: Stream) -> str | None:
    return (stream["encryption"] or {}).get("KeyARN")


def _principal(stream: Stream) -> Principal:
    return aws_service(SERVICE, stream["account"], arn_of(stream))


def sealed(into: Vault, records: Sequence[Record], tx: Tx) -> list[Record]:
    return [record._replace(data=into.seal(record.data, tx.ids), origin=_SEALED) for record in records]


async def opened(node: Node, stream: Stream, records: list[Record]) -> list[Record]:
    """Records as they were put.  Raises DeliveryFailed where the key does not serve."""
    if not any(record.origin == _SEALED for record in records):
        return records
    return [await _opened(node, stream, record) if record.origin == _SEALED else record for record in records]


async def _opened(node: Node, stream: Stream, record: Record) -> Record:
    try:
        texts = await encryption.unseal(node, _principal(stream), SERVICE, stream["region"], [record.data])
    except KeyRefused as refusal:
        raise DeliveryFailed(f"KMS.{refusal.kind}", refusal.message) from refusal
    return record._replace(data=texts[0], origin="")
