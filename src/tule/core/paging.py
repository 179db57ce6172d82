"""Tokens that carry a client from one page to the next: opaque, and refused when anybody has touched them.

A token is the JSON of a position, sealed by HMAC-SHA256 under the installation's secret and bound to a scope (the
operation and whatever filters must not change between pages), so that a token of one listing cannot steer another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

T = TypeVar("T")
_SEAL_BYTES = 16


class InvalidToken(ValueError):
    """The token was not made here, or was made for something else."""


class Pager:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, scope: str, position: Any) -> str:
        """`position` is anything JSON can say: usually the key of the last row shown."""
        body = orjson.dumps(position)
        return base64.urlsafe_b64encode(self._seal(scope, body) + body).decode().rstrip("=")

    def position(self, scope: str, token: str) -> Any:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError) as error:
            raise InvalidToken(token) from error
        seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(scope, body)):
            raise InvalidToken(token)
        return orjson.loads(body)

    def after(self, scope: str, token: str | None, refusal: Callable[[], Exception]) -> Any:
        """Where a listing goes on: the token's position, or the beginning, an empty text, without one.  Raises `refusal()`."""
        if not token:
            return ""
        try:
            return self.position(scope, token)
        except InvalidToken as error:
            raise refusal() from error

    def _seal(self, scope: str, body: bytes) -> bytes:
        return hmac.new(self._secret, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:_SEAL_BYTES]


def page(rows: Sequence[T], limit: int, key: Callable[[T], Any]) -> tuple[list[T], Any | None]:
    """Split `rows`, read with a limit of `limit + 1`, into one page and the position of its last row, if more follow."""
    shown = list(rows[:limit])
    return shown, key(shown[-1]) if len(rows) > limit and shown else None
