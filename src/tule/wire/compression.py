"""Compressed requests.  SDKs gzip the bodies of a few operations (CloudWatch PutMetricData beyond 10 KB).

AWS: https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
"""

from __future__ import annotations

import zlib

from tule.wire.malformed import Malformed

MAX_PLAIN_BYTES = 64 * 1024 * 1024


def gunzip(data: bytes) -> bytes:
    """The plain bytes; raises Malformed for what is not gzip, is cut short, or would be too large."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        plain = decompressor.decompress(data, MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise Malformed("The compressed body cannot be decoded") from error
    if decompressor.unconsumed_tail:
        raise Malformed("The compressed body is too large")
    if not decompressor.eof:
        raise Malformed("The compressed body ends too early")
    return plain


def is_gzip(headers: dict[str, str]) -> bool:
    return headers.get("content-encoding", "").lower().endswith("gzip")
