"""An HTTP request as the event that its function gets: payload format 2.0.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tule.access.principal import Principal
from tule.wire.http import Request

_TEXT_TYPES = frozenset(["application/json", "application/javascript", "application/xml", "application/graphql"])
_OF_THE_CONNECTION = frozenset(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade", "expect"])


@dataclass(slots=True, frozen=True)
class Visit:
    """A request to a function's URL: `path` is what follows the URL, `caller` who signed it where that was asked for."""

    request: Request
    body: bytes
    path: str
    id: str
    domain: str
    request_id: str
    at_ms: int
    trace: str
    caller: Principal | None


def event(visit: Visit) -> bytes:
    request = visit.request
    shown: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": visit.path,
        "rawQueryString": request.query,
    }
    cookies = [cookie.strip() for cookie in request.headers.get("cookie", "").split(";") if cookie.strip()]
    if cookies:
        shown["cookies"] = cookies
    shown["headers"] = _headers(visit)
    parameters = _parameters(request.query)
    if parameters:
        shown["queryStringParameters"] = parameters
    shown["requestContext"] = _context(visit)
    shown |= _body(visit)
    return orjson.dumps(shown)


def _headers(visit: Visit) -> dict[str, str]:
    request = visit.request
    dropped = _OF_THE_CONNECTION | {"cookie"} | ({"authorization"} if visit.caller is not None else set())
    kept = {name: value for name, value in request.headers.items() if name not in dropped}
    port = request.host.rpartition(":")[2] if ":" in request.host else ("443" if request.scheme == "https" else "80")
    forwarded = request.headers.get("x-forwarded-for")
    return kept | {
        "x-amzn-trace-id": visit.trace,
        "x-forwarded-for": f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip,
        "x-forwarded-port": port,
        "x-forwarded-proto": request.scheme,
    }


def _parameters(query: str) -> dict[str, str]:
    """Decoded, those that come more than once joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(visit: Visit) -> dict[str, Any]:
    request, caller = visit.request, visit.caller
    at = datetime.fromtimestamp(visit.at_ms / 1000, UTC)
    context: dict[str, Any] = {"accountId": "anonymous" if caller is None else caller.account, "apiId": visit.id}
    if caller is not None:
        context["authorizer"] = {"iam": _iam(caller)}
    return context | {
        "domainName": visit.domain,
        "domainPrefix": visit.id,
        "http": {
            "method": request.method,
            "path": visit.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": visit.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": visit.at_ms,
    }


def _iam(caller: Principal) -> dict[str, Any]:
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.user_id,
    }


def _body(visit: Visit) -> dict[str, Any]:
    if not visit.body:
        return {"isBase64Encoded": False}
    if is_text(visit.request.headers):
        try:
            return {"body": visit.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # it says that it is text, and is not
    return {"body": base64.b64encode(visit.body).decode(), "isBase64Encoded": True}


def is_text(headers: dict[str, str]) -> bool:
    """Whether a body of these headers comes as it is: text, JSON, XML, JavaScript, and what says nothing about itself."""
    if headers.get("content-encoding", "identity") != "identity":
        return False
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
