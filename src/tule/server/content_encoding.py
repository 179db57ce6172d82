"""Compressed requests and answers of DynamoDB: gzip and deflate, for all of its operations.

Its answers are compressed from 4 KB on for clients that accept it, and it is lenient about how they say so.  (Operations of other
services whose model lets requests be compressed are read in `wire/codec.py`.)
AWS: https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html
"""

from __future__ import annotations

import dataclasses
import zlib

from tule.core.errors import ServiceError
from tule.wire.http import BodyTooLarge, Request, Response

_WINDOWS = {"gzip": 31, "deflate": 15}  # zlib's words for the two formats
_NOTHING = frozenset(("", "identity", "amz-1.0", "aws-chunked"))
_SERVICE = "dynamodb"
_THRESHOLD = 4_096  # bytes of an answer


def decoded(request: Request, service: str, limit: int) -> Request:
    """The request with its body as the operation wants it; itself when nothing is compressed.

    Raises InternalServerError for what is not what it says to be, as DynamoDB does, and BodyTooLarge.
    """
    if service != _SERVICE or request.body is None or "content-encoding" not in request.headers:
        return request
    encoding = request.headers["content-encoding"].strip().lower()
    if encoding in _NOTHING:
        return request
    if encoding not in _WINDOWS:
        raise _broken()
    return dataclasses.replace(request, body=_inflated(request.body, _WINDOWS[encoding], limit))


def encoded(response: Response, request: Request, service: str) -> Response:
    """The answer, compressed where the client wants it and the service does it."""
    if service != _SERVICE or "accept-encoding" not in request.headers or not isinstance(response.body, bytes) or len(response.body) < _THRESHOLD:
        return response
    encoding = preferred(_first(request, "accept-encoding"))
    if encoding is None:
        return response
    compressor = zlib.compressobj(6, zlib.DEFLATED, _WINDOWS[encoding])
    body = compressor.compress(response.body) + compressor.flush()
    response.headers["content-encoding"] = encoding
    if "x-amz-crc32" in response.headers:
        response.headers["x-amz-crc32"] = str(zlib.crc32(body))
    if "content-length" in response.headers:
        response.headers["content-length"] = str(len(body))
    response.body = body
    return response


def preferred(accepted: str) -> str | None:
    """gzip, deflate or neither: the first of the most wanted; what `*` stands for comes after what is named."""
    wanted: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, rest = part.partition(";")
        wanted[name.strip()] = max(wanted.get(name.strip(), 0.0), _quality(rest))
    for name in _WINDOWS:
        wanted.setdefault(name, wanted.get("*", 0.0))
    known = [(name, quality) for name, quality in wanted.items() if name in _WINDOWS and quality > 0]
    return max(known, key=lambda pair: pair[1])[0] if known else None


def _quality(parameters: str) -> float:
    """The first `q=`, held between 0 and 1; 1 where there is none that is a number."""
    _, found, rest = parameters.partition("q=")
    if not found:
        return 1.0
    try:
        return min(max(float(rest.partition(";")[0]), 0.0), 1.0)
    except ValueError:
        return 1.0


def _first(request: Request, name: str) -> str:
    """A header's value; of several of that name the first, as DynamoDB takes it."""
    return next((value for key, value in request.raw_headers if key.lower() == name), request.headers[name])


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    """One member after the other, as gzip allows; never more than `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    rest = body
    while True:
        inflater = zlib.decompressobj(window)
        try:
            pieces.append(inflater.decompress(rest, limit - size + 1))
        except zlib.error:
            raise _broken() from None
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge(limit)
        if not inflater.eof:
            raise _broken()
        rest = inflater.unused_data
        if not rest or window != _WINDOWS["gzip"]:
            return b"".join(pieces)


def _broken() -> ServiceError:
    return ServiceError("InternalServerError", "The request could not be processed because of an internal error.", 500)
