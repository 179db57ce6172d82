"""What services keep for their users, encrypted at rest under keys of KMS: envelopes, each with its encrypted data key.

A service asks KMS for data keys as whoever calls it, through itself, so that the key's policy, grants and `kms:ViaService`
decide.  Data keys are remembered for a while, for each caller by itself, as AWS's services do; what a key's owner changes
holds after that while.

    envelopes = await encryption.seal(node, Holder(call.principal, "sqs.amazonaws.com", region, key, {"aws:sqs:arn": arn}), texts)
    texts = await encryption.unseal(node, call.principal, "sqs.amazonaws.com", region, envelopes)

An envelope: a mark, the encrypted data key and the encryption context (each with its length before it), a nonce, and the
text under AES-256-GCM.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/service-integration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson

from tule.access.principal import Principal, through
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.core.ids import Ids

if TYPE_CHECKING:
    from tule.platform.node import Node

REUSE_MS = 300_000
_MARK = b"\x01K"
_NONCE_BYTES = 12
_MEMORY = "encryption.data_keys"
_MAX_REMEMBERED = 10_000

# KMS's code -> what services call it.
_KINDS = {
    "AccessDeniedException": "AccessDenied",
    "DisabledException": "Disabled",
    "KMSInvalidStateException": "InvalidState",
    "NotFoundException": "NotFound",
    "InvalidArnException": "NotFound",
    "InvalidKeyUsageException": "InvalidKeyUsage",
    "IncorrectKeyException": "AccessDenied",
    "InvalidCiphertextException": "AccessDenied",
}


class KeyRefused(Exception):
    """KMS did not do it.  `kind` is `AccessDenied`, `Disabled`, `InvalidState`, `NotFound` or `InvalidKeyUsage`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(slots=True, frozen=True)
class Holder:
    """For whom something is encrypted: who calls which service, and under which key.  `key` is an ARN (see `key_arn`)."""

    principal: Principal
    service: str
    region: str
    key: str
    context: Mapping[str, str]


class _DataKey(NamedTuple):
    secret: bytes
    encrypted: bytes
    until_ms: int


def key_arn(key: str, account: str, region: str) -> str:
    """A key's id or alias, as users give them, for the account whose resource it encrypts."""
    if key.startswith("arn:"):
        return key
    return arns.arn("kms", region, account, key if key.startswith("alias/") else f"key/{key}")


async def check(node: Node, holder: Holder) -> None:
    """Whether the key can be used for this at all.  Raises KeyRefused."""
    await _new_data_key(node, holder, 0)


class Vault:
    """A data key at hand, for what is sealed within a transaction."""

    def __init__(self, secret: bytes, encrypted: bytes, context: Mapping[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(secret)
        self._header = _header(encrypted, context)

    def seal(self, text: bytes, ids: Ids) -> bytes:
        nonce = ids.bytes(_NONCE_BYTES)
        return self._header + nonce + self._cipher.encrypt(nonce, text, self._header)


async def vault(node: Node, holder: Holder, reuse_ms: int = REUSE_MS) -> Vault:
    """Raises KeyRefused."""
    key = await _data_key(node, holder, reuse_ms)
    return Vault(key.secret, key.encrypted, holder.context)


async def seal(node: Node, holder: Holder, texts: Sequence[bytes], reuse_ms: int = REUSE_MS) -> list[bytes]:
    """Raises KeyRefused."""
    into = await vault(node, holder, reuse_ms)
    return [into.seal(text, node.ids) for text in texts]


async def unseal(node: Node, principal: Principal, service: str, region: str, envelopes: Sequence[bytes], reuse_ms: int = REUSE_MS) -> list[bytes]:
    """Raises KeyRefused."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    opened: list[bytes] = []
    for envelope in envelopes:
        header, encrypted, context = _parts(envelope)
        secret = await _opened_key(node, principal, service, region, encrypted, context, reuse_ms)
        nonce = envelope[len(header) : len(header) + _NONCE_BYTES]
        opened.append(AESGCM(secret).decrypt(nonce, envelope[len(header) + _NONCE_BYTES :], header))
    return opened


def is_envelope(data: bytes) -> bool:
    """Only where nothing else can begin with the mark."""
    return data.startswith(_MARK)


def forget(node: Node) -> None:
    """After a reset."""
    node.memory.pop(_MEMORY, None)


def _header(encrypted: bytes, context: Mapping[str, str]) -> bytes:
    said = orjson.dumps(context, option=orjson.OPT_SORT_KEYS)
    return _MARK + len(encrypted).to_bytes(2) + encrypted + len(said).to_bytes(2) + said


def _parts(envelope: bytes) -> tuple[bytes, bytes, dict[str, str]]:
    """Header, encrypted data key, encryption context."""
    start = len(_MARK) + 2
    middle = start + int.from_bytes(envelope[len(_MARK) : start])
    end = middle + 2 + int.from_bytes(envelope[middle : middle + 2])
    return envelope[:end], envelope[start:middle], orjson.loads(envelope[middle + 2 : end])


def _remembered(node: Node) -> dict[tuple[object, ...], _DataKey]:
    known = node.memory.get(_MEMORY)
    if known is None or len(known) >= _MAX_REMEMBERED:
        known = node.memory[_MEMORY] = {}
    return known


async def _data_key(node: Node, holder: Holder, reuse_ms: int) -> _DataKey:
    name = (holder.principal.arn, holder.service, holder.key, tuple(holder.context.items()))
    known = _remembered(node).get(name)
    if known is not None and known.until_ms > node.clock.now_ms():
        return known
    made = await _new_data_key(node, holder, reuse_ms)
    _remembered(node)[name] = made
    return made


async def _new_data_key(node: Node, holder: Holder, reuse_ms: int) -> _DataKey:
    params = {"KeyId": holder.key, "KeySpec": "AES_256", "EncryptionContext": dict(holder.context)}
    answer = await _asked(node, "GenerateDataKey", params, holder.principal, holder.service, holder.region)
    return _DataKey(answer["Plaintext"], answer["CiphertextBlob"], node.clock.now_ms() + reuse_ms)


async def _opened_key(
    node: Node, principal: Principal, service: str, region: str, encrypted: bytes, context: Mapping[str, str], reuse_ms: int
) -> bytes:
    name = (principal.arn, service, encrypted)
    known = _remembered(node).get(name)
    if known is not None and known.until_ms > node.clock.now_ms():
        return known.secret
    params = {"CiphertextBlob": encrypted, "EncryptionContext": dict(context)}
    answer = await _asked(node, "Decrypt", params, principal, service, region)
    _remembered(node)[name] = _DataKey(answer["Plaintext"], encrypted, node.clock.now_ms() + reuse_ms)
    return answer["Plaintext"]


async def _asked(node: Node, operation: str, params: Mapping[str, object], principal: Principal, service: str, region: str) -> dict[str, bytes]:
    try:
        return await node.dispatcher.invoke("kms", operation, params, principal=through(principal, service), region=region)
    except ServiceError as error:
        if error.code not in _KINDS:
            raise
        origin = f"(Service: AWSKMS; Status Code: {error.status}; Error Code: {error.code}; Request ID: {node.ids.uuid()}; Proxy: null)"
        raise KeyRefused(_KINDS[error.code], f"{error.message} {origin}") from error
