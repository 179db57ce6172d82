"""What a function returned as the HTTP answer: a whole one, or one that is streamed.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload and
https://docs.aws.amazon.com/lambda/latest/dg/response-streaming-tutorial.html (metadata before a streamed body).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from tule.wire.http import Response

JSON = "application/json"
MAX_METADATA_BYTES = 1024 * 1024
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DROPPED = frozenset(["connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"])
_RENAMED = frozenset(["authorization", "host", "user-agent", "via", "www-authenticate", "x-amzn-requestid", "x-amzn-trace-id"])


class Malformed(ValueError):
    """The function's answer is none that HTTP could carry: 502."""


def refused(status: int, text: str | None, error_type: str) -> Response:
    return Response(status, {"content-type": JSON, "x-amzn-errortype": error_type}, orjson.dumps({"Message": text}))


def forbidden() -> Response:
    text = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    return refused(403, text, "AccessDeniedException")


def bad_gateway() -> Response:
    return Response(502, {"content-type": JSON}, b"Internal Server Error")


def whole(payload: bytes) -> Response:
    """Of a function that returned `payload`.  Raises Malformed."""
    try:
        value = orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError:
        return Response(200, {"content-type": JSON}, payload)
    if not isinstance(value, dict) or "statusCode" not in value:
        return Response(200, {"content-type": JSON}, value.encode() if isinstance(value, str) else _compact(payload))
    response = metadata(value)
    body = value.get("body")
    if body is None:
        return response
    if not isinstance(body, str):
        raise Malformed("the body is no text")
    response.body = _decoded(body) if value.get("isBase64Encoded") is True else body.encode()
    return response


def _compact(payload: bytes) -> bytes:
    """The JSON without its blanks, its numbers as they were written."""
    pieces = re.split(rb'("(?:[^"\\]|\\.)*")', payload)
    return b"".join(piece if i % 2 else re.sub(rb"\s+", b"", piece) for i, piece in enumerate(pieces))


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the body is not in base64") from error


def metadata(value: Mapping[str, Any]) -> Response:
    """An answer without its body: `statusCode`, `headers`, `cookies`.  Raises Malformed."""
    return Response(_status(value.get("statusCode", 200)), _headers(value.get("headers")), b"", _cookies(value.get("cookies")))


def _status(given: Any) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 100 <= given <= 599:
        raise Malformed("the status code is none")
    return given


def _headers(given: Any) -> dict[str, str]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise Malformed("the headers are no object")
    shown: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict | list) or value is None or not _NAME.fullmatch(name):
            raise Malformed(f"the header {name!r} has no value that can be sent")
        lower = name.lower()
        if lower not in _DROPPED:
            shown[f"x-amzn-remapped-{lower}" if lower in _RENAMED else lower] = _text(value)
    shown.setdefault("content-type", JSON)
    return shown


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cookies(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(cookie, str) for cookie in given):
        raise Malformed("the cookies are no list of texts")
    return tuple(given)


async def streamed(chunks: AsyncIterator[bytes]) -> Response:
    """An answer that begins with its metadata: JSON, eight NUL bytes, and the body as it comes.  Raises Malformed."""
    head = b""
    async for chunk in chunks:
        head += chunk
        raw, end, rest = head.partition(b"\0" * 8)
        if not end and len(head) <= MAX_METADATA_BYTES:
            continue
        if not end:
            raise Malformed("the metadata are too long")
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Malformed("the metadata are not JSON") from error
        if not isinstance(value, dict):
            raise Malformed("the metadata are no object")
        response = metadata(value)
        response.body = _continued(rest, chunks)
        return response
    raise Malformed("the metadata never ended")


async def _continued(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in chunks:
        yield chunk
