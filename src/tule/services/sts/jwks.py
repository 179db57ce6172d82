"""The public keys of token issuers, fetched as OpenID Connect Discovery says and kept in memory for ten minutes.

Only issuers that an account has registered as a provider are ever asked.
"""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import orjson

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.sts import errors

_KEPT_MS = 600_000
_TIMEOUT_S = 5.0
_MAX_BYTES = 1_000_000


async def of_issuer(node: Node, issuer: str) -> list[dict[str, Any]]:
    """Raises InvalidIdentityToken when the issuer cannot be asked."""
    kept: dict[str, tuple[int, list[dict[str, Any]]]] = node.memory.setdefault("sts.jwks", {})
    fetched_ms, keys = kept.get(issuer, (0, []))
    if not keys or node.clock.now_ms() - fetched_ms > _KEPT_MS:
        keys = await asyncio.to_thread(_fetch, issuer)
        kept[issuer] = (node.clock.now_ms(), keys)
    return keys


def _fetch(issuer: str) -> list[dict[str, Any]]:
    discovered = _json(issuer.rstrip("/") + "/.well-known/openid-configuration")
    keys = _json(str(discovered.get("jwks_uri", ""))).get("keys", [])
    if not isinstance(keys, list) or not keys:
        raise _unreachable()
    return keys


def _json(url: str) -> dict[str, Any]:
    if urlsplit(url).scheme != "https":
        raise _unreachable()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            document = orjson.loads(response.read(_MAX_BYTES))
    except (URLError, OSError, ValueError) as error:
        raise _unreachable() from error
    if not isinstance(document, dict):
        raise _unreachable()
    return document


def _unreachable() -> ServiceError:
    return errors.invalid_identity_token(
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements"
    )
