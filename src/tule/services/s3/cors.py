"""Cross-origin resource sharing: checking a bucket's rules, and answering browsers by them.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html and API reference, OPTIONS object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError
from tule.services.s3 import errors

Rule = Mapping[str, Any]
_METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
_MAX_RULES = 100
_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def checked(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Raises MalformedXML or InvalidRequest."""
    if not 1 <= len(rules) <= _MAX_RULES:
        raise errors.malformed_xml()
    return [_checked(rule) for rule in rules]


def _checked(rule: Rule) -> dict[str, Any]:
    for method in rule["AllowedMethods"]:
        if method not in _METHODS:
            raise errors.invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for origin in rule["AllowedOrigins"]:
        if origin.count("*") > 1:
            raise errors.invalid_request(f'AllowedOrigin "{origin}" can not have more than one wildcard.')
    for header in rule.get("AllowedHeaders") or ():
        if header.count("*") > 1:
            raise errors.invalid_request(f'AllowedHeader "{header}" can not have more than one wildcard.')
    for header in rule.get("ExposeHeaders") or ():
        if "*" in header:
            raise errors.invalid_request(f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.')
    return {name: value for name, value in rule.items() if value not in (None, [])}


def preflight(rules: Sequence[Rule] | None, headers: Mapping[str, str], *, bucket_exists: bool = True) -> dict[str, str]:
    """The headers that answer an OPTIONS request.  `rules` None: the bucket has none.  Raises BadRequest or AccessForbidden."""
    origin, method = headers.get("origin"), headers.get("access-control-request-method")
    if origin is None:
        raise ServiceError("BadRequest", "Insufficient information. Origin request header needed.", 400)
    if not bucket_exists:
        raise _forbidden("CORSResponse: Bucket not found", method, "BUCKET")
    if rules is None:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method, "BUCKET")
    if method is None or method not in _METHODS:
        raise ServiceError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}", 400)
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",") if name.strip()]
    for rule in rules:
        if _allows(rule, origin, method) and all(_allows_header(rule, name) for name in asked):
            allowed = {"access-control-allow-headers": ", ".join(asked)} if asked else {}
            return _headers(rule, origin) | allowed | _max_age(rule)
    message = (
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
        "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
    )
    raise _forbidden(message, method, "OBJECT")


def answer(rules: Sequence[Rule] | None, headers: Mapping[str, str], method: str) -> dict[str, str]:
    """What the answer to an actual request of a browser carries; nothing where no rule allows it."""
    origin = headers.get("origin")
    if origin is None or not rules:
        return {}
    method = headers.get("access-control-request-method", method)
    for rule in rules:
        if _allows(rule, origin, method):
            return _headers(rule, origin)
    return {}


def _headers(rule: Rule, origin: str) -> dict[str, str]:
    anyone = "*" in rule["AllowedOrigins"]
    found = {
        "access-control-allow-origin": "*" if anyone else origin,
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": _VARY,
    }
    if not anyone:
        found["access-control-allow-credentials"] = "true"
    if rule.get("ExposeHeaders"):
        found["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    return found


def _max_age(rule: Rule) -> dict[str, str]:
    return {"access-control-max-age": str(rule["MaxAgeSeconds"])} if "MaxAgeSeconds" in rule else {}


def _allows(rule: Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and any(_fits(pattern, origin) for pattern in rule["AllowedOrigins"])


def _allows_header(rule: Rule, name: str) -> bool:
    return any(_fits(pattern.lower(), name) for pattern in rule.get("AllowedHeaders", ()))


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


def _forbidden(message: str, method: str | None, resource_type: str) -> ServiceError:
    return ServiceError("AccessForbidden", message, 403, fields={"Method": method or "OPTIONS", "ResourceType": resource_type})
