"""Streams with a key of KMS: records encrypted while they are kept.  Who puts needs a data key, who reads its decryption.

That a stream has a key is found in the transaction that appends: it is given up then (`KeyNeeded`), and comes again with a
vault.  Streams without a key pay nothing.
AWS: https://docs.aws.amazon.com/streams/latest/dev/server-side-encryption.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from tule.access.principal import platform, through
from tule.core.errors import ServiceError
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused, Vault
from tule.services.kinesis import appending, errors
from tule.services.kinesis.appending import Appended, Prepare
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state.records import ENCRYPTED, Entry
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

_SERVICE = "kinesis.amazonaws.com"
_SEALED_END = ENCRYPTED + b"}"


class KeyNeeded(ServiceError):
    """The stream is encrypted, and there is no vault of its key at hand.  No caller sees it."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("InternalFailure", "The stream is encrypted.", 500)
        self.stream = stream


class StreamVault(NamedTuple):
    key: str
    vault: Vault


async def append(call: Call, ref: StreamRef, prepare: Callable[[StreamVault | None], Prepare]) -> Appended:
    """As `appending.append`; `prepare` gets what seals the records of an encrypted stream.  Raises KMSAccessDeniedException and its like."""
    at_hand: StreamVault | None = None
    while True:
        try:
            return await appending.append(call.node, ref, prepare(at_hand))
        except KeyNeeded as needed:
            at_hand = await _vault(call, needed.stream)


async def _vault(call: Call, stream: Stream) -> StreamVault:
    key: str = stream.config["key"]
    ref = stream.ref
    holder = Holder(call.principal, _SERVICE, ref.region, encryption.key_arn(key, ref.account, ref.region), {"aws:kinesis:arn": ref.arn})
    try:
        return StreamVault(key, await encryption.vault(call.node, holder))
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal


def sealed(tx: Tx, stream: Stream, entries: list[Entry], at_hand: StreamVault | None) -> list[Entry]:
    """Raises KeyNeeded."""
    key = stream.config.get("key")
    if not key:
        return entries
    if at_hand is None or at_hand.key != key:
        raise KeyNeeded(stream)
    return [entry._replace(data=at_hand.vault.seal(entry.data, tx.ids)) for entry in entries]


async def opened(call: Call, stream: Stream, fragments: Sequence[bytes]) -> list[bytes]:
    """Records as they were put, of a stream that has or had a key.  Raises KMSAccessDeniedException and its like."""
    return [await _opened(call, stream, each) if each.endswith(_SEALED_END) else each for each in fragments]


async def _opened(call: Call, stream: Stream, fragment: bytes) -> bytes:
    record = orjson.loads(fragment)
    envelope = b64decode(record["Data"])
    if not encryption.is_envelope(envelope):
        return fragment
    try:
        texts = await encryption.unseal(call.node, call.principal, _SERVICE, stream.ref.region, [envelope])
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    return orjson.dumps({**record, "Data": b64encode(texts[0]).decode()})


async def check(call: Call, stream: Stream, key: str) -> None:
    """Whether a key is there and can be used.  Raises KMSNotFoundException, KMSDisabledException, KMSInvalidStateException."""
    ref = stream.ref
    asker = through(platform(ref.account), _SERVICE)
    try:
        found = await call.invoke(
            "kms", "DescribeKey", {"KeyId": encryption.key_arn(key, ref.account, ref.region)}, principal=asker, region=ref.region
        )
    except ServiceError as error:
        raise errors.key_refused("NotFound", error.message) from error
    state = found["KeyMetadata"]["KeyState"]
    arn = found["KeyMetadata"]["Arn"]
    if state == "Disabled":
        raise errors.key_refused("Disabled", f"{arn} is disabled.")
    if state != "Enabled":
        raise errors.key_refused("InvalidState", f"{arn} is in state {state}.")
