"""Cross-origin requests to function URLs, answered by the URL's own configuration.

AWS: Lambda API reference, Cors; https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.wire.http import Request

Cors = Mapping[str, Any]


def is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and "origin" in request.headers and "access-control-request-method" in request.headers


def preflight(cors: Cors, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the answer; none where the origin, the method or a header is not allowed."""
    origin = _origin(cors, headers)
    method = headers["access-control-request-method"]
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",") if name.strip()]
    if origin is None or not _allows(cors.get("AllowMethods", ()), method) or not all(_allows_header(cors, name) for name in asked):
        return {}
    shown = {"access-control-allow-origin": origin, "access-control-allow-methods": _methods(cors, method)}
    if asked:
        shown["access-control-allow-headers"] = ",".join(asked)
    if cors.get("MaxAge"):
        shown["access-control-max-age"] = str(cors["MaxAge"])
    return shown | _common(cors, origin)


def answer(cors: Cors, headers: Mapping[str, str]) -> dict[str, str]:
    """What is added to the answer of a request that names its origin."""
    origin = _origin(cors, headers)
    if origin is None:
        return {}
    exposed = ",".join(cors.get("ExposeHeaders", ()))
    shown = {"access-control-allow-origin": origin} | ({"access-control-expose-headers": exposed} if exposed else {})
    return shown | _common(cors, origin)


def _common(cors: Cors, origin: str) -> dict[str, str]:
    credentials = {"access-control-allow-credentials": "true"} if cors.get("AllowCredentials") else {}
    return credentials | ({} if origin == "*" else {"vary": "Origin"})


def _origin(cors: Cors, headers: Mapping[str, str]) -> str | None:
    """The origin as it is told back: `*` where all may read, without credentials; None where it may not."""
    asked = headers.get("origin")
    if asked is None:
        return None
    allowed = cors.get("AllowOrigins", ())
    if "*" in allowed and not cors.get("AllowCredentials"):
        return "*"
    return asked if _allows(allowed, asked) else None


def _methods(cors: Cors, asked: str) -> str:
    allowed = list(cors.get("AllowMethods", ()))
    return asked if "*" in allowed else ",".join(allowed)


def _allows(allowed: Any, name: str) -> bool:
    return "*" in allowed or name in allowed


def _allows_header(cors: Cors, name: str) -> bool:
    return _allows([allowed.lower() for allowed in cors.get("AllowHeaders", ())], name)
