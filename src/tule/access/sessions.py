"""Temporary credentials that carry themselves.

STS hands out an access key (ASIA...), a secret and a session token.  The token is the sealed (AES-GCM) document of who
the session is, when it ends and what limits it; the secret follows from the access key.  So no row is written, any node
verifies any session, and what must be able to change while a session lives (the role's policies, whether the role still
exists) is looked up at each call, not carried.

The sealing key is derived from the installation's secret; a token from elsewhere, or one that anybody has touched, does
not open.  AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import zlib
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tule.access.access_keys import new_access_key
from tule.access.identities import AccessKey
from tule.access.principal import Principal
from tule.core.ids import Ids

_NONCE_BYTES = 12
_VERSION = b"T1"
_MAX_TOKEN_CHARS = 65_536


class InvalidSessionToken(ValueError):
    """The token was not made by this installation, or has been changed."""


class Sessions:
    """Issues and opens temporary credentials.  `secret` is the installation's."""

    def __init__(self, secret: bytes) -> None:
        self._seal = AESGCM(_derived(secret, b"session-token"))
        self._secret_key = _derived(secret, b"session-secret")

    def issue(self, ids: Ids, principal: Principal, expires_ms: int) -> AccessKey:
        """New credentials of `principal` (whose own `access_key` is replaced by the new one)."""
        access_key = new_access_key(ids, "ASIA", principal.account)
        session = dataclasses.replace(principal, access_key=access_key)
        nonce = ids.bytes(_NONCE_BYTES)
        body = zlib.compress(orjson.dumps({"principal": _to_document(session), "expires_ms": expires_ms}))
        token = base64.b64encode(_VERSION + nonce + self._seal.encrypt(nonce, body, _VERSION)).decode()
        return AccessKey(access_key, self.secret_of(access_key), session, session_token=token, expires_ms=expires_ms)

    def open(self, token: str) -> AccessKey:
        """The credentials that a session token belongs to, expired or not.  Raises InvalidSessionToken."""
        if len(token) > _MAX_TOKEN_CHARS:
            raise InvalidSessionToken("too long")
        try:
            raw = base64.b64decode(token, validate=True)
            if raw[: len(_VERSION)] != _VERSION:
                raise InvalidSessionToken("not a session token")
            nonce, sealed = raw[len(_VERSION) :][:_NONCE_BYTES], raw[len(_VERSION) + _NONCE_BYTES :]
            document = orjson.loads(zlib.decompress(self._seal.decrypt(nonce, sealed, _VERSION)))
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise InvalidSessionToken("not a session token") from error
        principal = _to_principal(document["principal"])
        access_key = principal.access_key
        return AccessKey(access_key, self.secret_of(access_key), principal, session_token=token, expires_ms=document["expires_ms"])

    def secret_of(self, access_key: str) -> str:
        """The secret key (40 characters) of a temporary access key."""
        digest = hmac.new(self._secret_key, access_key.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest[:30]).decode()


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.new(secret, b"tule:" + purpose, hashlib.sha256).digest()


def _to_document(principal: Principal) -> dict[str, Any]:
    """Every field that is not at its default."""
    document: dict[str, Any] = {}
    for field in dataclasses.fields(Principal):
        value = getattr(principal, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if value != default:
            document[field.name] = value
    return document


def _to_principal(document: dict[str, Any]) -> Principal:
    values = dict(document)
    if "session_policies" in values:
        values["session_policies"] = tuple(values["session_policies"])
    if "session_tags" in values:
        values["session_tags"] = tuple((key, value) for key, value in values["session_tags"])
    return Principal(**values)
