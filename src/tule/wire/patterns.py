"""The models' patterns: Java regular expressions, read as Python's.

They have to match the whole value.  What Python lacks are Unicode and POSIX classes (`\\p{L}`), which become ranges, and
a few ways of writing a hyphen or a flag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import orjson

_CLASS = re.compile(r"\\p\{(\w+)\}")
_SURROGATES = "\\uD800\\uDC00-\\uDBFF\\uDFFF"
_POSIX = {
    "ASCII": "\\x00-\\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Graph": "!-~",
    "Print": " -~",
    "XDigit": "0-9a-fA-F",
}


_BLOCK = "-{5}BEGIN CERTIFICATE-{5}\\u000D?\\u000A([A-Za-z0-9/+]{64}\\u000D?\\u000A)*[A-Za-z0-9/+]{1,64}={0,2}\\u000D?\\u000A-{5}END CERTIFICATE-{5}"

_SAFE = {
    "[a-zA-Z](?:-?[a-zA-Z0-9]+)*": "[a-zA-Z](?:-?[a-zA-Z0-9])*",
    "[a-z](?:-?[a-z0-9]+){0,15}": "[a-z](?:-?[a-z0-9]++){0,15}",
    "^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$": "[ \\t]*[\\x20-\\x7E][\\t\\x20-\\x7E]*",
    "[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*|(\\$(\\.[\\w/_-]+(\\[(\\d+|\\*)\\])*)*)": (
        "[ \\t]*[\\x20-\\x7E][\\t\\x20-\\x7E]*|(\\$(\\.[\\w/_-]+(\\[(\\d+|\\*)\\])*)*)"
    ),
    "^[ \\t]*[^\\x00-\\x1F:\\x7F]+([ \\t]+[^\\x00-\\x1F:\\x7F]+)*[ \\t]*$": "[ \\t]*[^\\x00-\\x1F:\\x7F](?:[^\\x00-\\x1F:\\x7F]|\\t)*",
    f"({_BLOCK}\\u000D?\\u000A)*{_BLOCK}(\\u000D?\\u000A)?": f"(?>{_BLOCK}\\u000D?\\u000A)*+(?>{_BLOCK})?",
}
"""Patterns on which a backtracking matcher can take for ever, and equal ones on which it cannot."""


@cache
def matcher(pattern: str) -> Callable[[str], object]:
    """A function that is true for text that the pattern matches as a whole."""
    return re.compile(translated(_SAFE.get(pattern, pattern)), re.ASCII).fullmatch


def translated(pattern: str) -> str:
    text = pattern.replace(_SURROGATES, "\U00010000-\U0010ffff")
    flags = "(?i)" if "(?i)" in text else ""
    pieces: list[str] = []
    at, depth = 0, 0
    text = text.replace("(?i)", "")
    while at < len(text):
        char = text[at]
        if char == "\\":
            length, piece = _escape(text, at, in_class=depth > 0)
            pieces.append(piece)
            at += length
            if depth > 0 and text[at : at + 1] == "-" and _is_set(piece) and text[at + 1 : at + 2] != "]":
                pieces.append("\\-")
                at += 1
            continue
        if char == "[" and depth == 0:
            depth = 1
        elif char == "[":
            char = "\\["
        elif char == "]":
            depth = 0
        pieces.append(char)
        at += 1
    return flags + "".join(pieces)


def _escape(text: str, at: int, *, in_class: bool) -> tuple[int, str]:
    """The escape at `at`: its length, and how Python writes it."""
    match = _CLASS.match(text, at)
    if match is None:
        return 2, text[at : at + 2]
    ranges = _POSIX.get(match.group(1)) or _unicode()[match.group(1)]
    return match.end() - at, ranges if in_class else f"[{ranges}]"


def _is_set(piece: str) -> bool:
    return piece in ("\\w", "\\d", "\\s", "\\W", "\\D", "\\S") or len(piece) > 2


@cache
def _unicode() -> dict[str, str]:
    """Characters of each Unicode category, as the inside of a character class; made by scripts/generate_wire_index.py."""
    return orjson.loads((Path(__file__).parent / "data" / "unicode.json").read_bytes())
