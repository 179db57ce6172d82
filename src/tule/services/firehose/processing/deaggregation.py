"""Taking apart records that carry several: JSON documents, delimited pieces, and what the Kinesis Producer Library puts together.

AWS: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html
KPL: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import md5

_KPL_MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
_WHITESPACE = " \t\r\n,"


class NotAggregated(ValueError):
    """The record is not of the form that was said."""


def json_documents(data: bytes) -> list[bytes]:
    """One after the other, on lines of their own, or in an array.  Raises NotAggregated."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotAggregated("The record is not UTF-8.") from error
    decoder, at, found = json.JSONDecoder(), 0, []
    while True:
        while at < len(text) and text[at] in _WHITESPACE:
            at += 1
        if at == len(text):
            return found
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            raise NotAggregated("The record is not valid JSON.") from error
        if isinstance(value, list):
            found += [json.dumps(inner, separators=(",", ":"), ensure_ascii=False).encode() for inner in value]
        else:
            found.append(text[at:end].encode())
        at = end


def delimited(data: bytes, delimiter: bytes) -> list[bytes]:
    return [piece for piece in data.split(delimiter) if piece] if delimiter else [data]


def kpl(data: bytes) -> list[tuple[str, bytes]] | None:
    """(partition key, data) of the user records in an aggregated one; None for a record that is just itself."""
    if not data.startswith(_KPL_MAGIC) or len(data) < len(_KPL_MAGIC) + _DIGEST_BYTES:
        return None
    message, digest = data[len(_KPL_MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if md5(message, usedforsecurity=False).digest() != digest:
        return None
    try:
        return _user_records(message)
    except (IndexError, ValueError, UnicodeDecodeError):
        return None


def _user_records(message: bytes) -> list[tuple[str, bytes]]:
    keys: list[str] = []
    records: list[tuple[int, bytes]] = []
    for field, value in _fields(message):
        if field == 1 and isinstance(value, bytes):
            keys.append(value.decode())
        elif field == 3 and isinstance(value, bytes):
            inner = dict(_fields(value))
            index, payload = inner.get(1), inner.get(3)
            if not isinstance(index, int) or not isinstance(payload, bytes):
                raise ValueError("a user record is incomplete")
            records.append((index, payload))
    return [(keys[index], payload) for index, payload in records]


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer message that are numbers or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a field is cut short")
            yield tag >> 3, message[at : at + length]
            at += length
        else:
            raise ValueError("a kind of field that is not expected")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
