"""What AWS says about a payload that is not JSON: the words of the parser behind it (Jackson)."""

from __future__ import annotations

import re

import orjson

_SOURCE = " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORD = re.compile(r"[^\s,\]\[{}:\"]+")


def complaint(payload: bytes, error: orjson.JSONDecodeError) -> str:
    """Two lines: what is wrong, and where."""
    start = len(payload) - len(payload.lstrip(b" \t\r\n"))
    rest = payload[start:]
    if not rest:
        return "No content to map due to end-of-input\n" + _at(payload, start, 0)
    first = rest[0]
    if first < 0x20 or first >= 0x7F:
        return f"Unexpected character ((CTRL-CHAR, code {first})): expected a valid value {_VALUES}\n" + _at(payload, start, 1)
    invalid = _invalid_utf8(payload)
    if invalid is not None:
        return f"Invalid UTF-8 start byte 0x{payload[invalid]:x}\n" + _at(payload, invalid, 2)
    word = _WORD.match(rest.decode())
    if first not in b'{["-0123456789' and word is not None:
        if word[0][0].isalpha():
            return f"Unrecognized token '{word[0]}': was expecting {_VALUES}\n" + _at(payload, start + len(word[0]), 1)
        return f"Unexpected character ('{chr(first)}' (code {first})): expected a valid value {_VALUES}\n" + _at(payload, start, 1)
    if error.pos >= len(payload):
        return "Unexpected end-of-input\n" + _at(payload, len(payload), 1)
    found = payload.decode()[error.pos : error.pos + 1] or " "
    return f"Unexpected character ('{found}' (code {ord(found)}))\n" + _at(payload, error.pos, 1)


def _invalid_utf8(payload: bytes) -> int | None:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _at(payload: bytes, offset: int, column_after: int) -> str:
    before = payload[:offset]
    line_start = before.rfind(b"\n") + 1
    return _SOURCE.format(line=before.count(b"\n") + 1, column=offset - line_start + column_after)
