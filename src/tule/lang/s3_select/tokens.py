"""Cutting a query into tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from tule.lang.s3_select.failures import SelectFailed

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<time>`[^`]*`)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><>|!=|<=|>=|\|\||[-+*/%=<>(),.\[\]])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """`kind` is number, text, quoted, time, word, sign, or end; `value` is what it stands for, of words as written."""

    kind: str
    value: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.value.upper() in words

    def is_sign(self, *signs: str) -> bool:
        return self.kind == "sign" and self.value in signs


END = Token("end", "")


def tokens(text: str) -> list[Token]:
    """Raises SelectFailed."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise SelectFailed("LexerInvalidChar", f"The SQL expression contains an invalid character: {text[at]}")
        at = match.end()
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, _value(match.lastgroup, match[0])))
    return [*found, END]


def _value(kind: str, text: str) -> str:
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "quoted":
        return text[1:-1].replace('""', '"')
    return text[1:-1] if kind == "time" else text
