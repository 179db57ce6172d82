"""The words of a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tule.core.errors import ServiceError, validation

_WORDS = """
ALL AND ANY AS ASC BAG BETWEEN BOOL BY CASE CREATE CROSS DELETE DESC DISTINCT DROP ELSE END ESCAPE EXCEPT EXISTS FALSE FROM FULL
GROUP HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT MISSING NOT NULL OFFSET OLD ON OR ORDER OUTER PIVOT REMOVE
RETURNING RIGHT SELECT SET THEN TRUE UNION UNPIVOT UPDATE VALUE VALUES WHEN WHERE WITH
"""
KEYWORDS = frozenset(_WORDS.split())

_TOKEN = re.compile(
    r"""(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?:
        (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | '(?P<text>(?:[^']|'')*)'
      | "(?P<quoted>(?:[^"]|"")*)"
      | (?P<symbol><<|>>|<>|!=|<=|>=|[()\[\]{},.:?=<>+*-])
      | (?P<end>;?\s*\Z)
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: keyword, name, quoted, text, number, symbol, end.  Keywords are in capitals."""

    kind: str
    text: str
    start: int
    length: int


def not_well_formed(what: str) -> ServiceError:
    """The statement cannot be parsed."""
    return validation(f"Statement wasn't well formed, can't be processed: {what}")


def split(text: str) -> list[Token]:
    """The words of a statement; the last one is its end.  Comments are none."""
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise not_well_formed("")
        position = match.end()
        tokens.append(_token(match))
        if tokens[-1].kind == "end":
            return tokens


def place(text: str, token: Token) -> str:
    """Where a word stands: `line:column:length`, counted from 1."""
    line = text.count("\n", 0, token.start)
    column = token.start - (text.rfind("\n", 0, token.start) + 1)
    return f"{line + 1}:{column + 1}:{token.length}"


def _token(match: re.Match[str]) -> Token:
    kind = str(match.lastgroup)
    word = match.group(kind)
    start, length = match.start(kind), len(word)
    if kind == "name" and word.upper() in KEYWORDS:
        return Token("keyword", word.upper(), start, length)
    if kind in ("text", "quoted"):
        quote = "'" if kind == "text" else '"'
        word = word.replace(quote * 2, quote)
    return Token(kind, word, start, length)
