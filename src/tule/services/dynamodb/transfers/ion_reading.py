"""Items out of Amazon Ion text, as imports take them.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html: text Ion, a struct for each item
under `Item`, sets as lists annotated `$dynamodb_SS`, `$dynamodb_NS`, `$dynamodb_BS`.  What DynamoDB has no type for (timestamps,
clobs, S-expressions, symbols as values other than texts) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from tule.lang.dynamodb.numbers import canonical

VERSION = "$ion_1_0"
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d_]*(?:\.[\d_]*)?(?:[dDeE][-+]?\d+)?")
_TIMESTAMP = re.compile(r"\d{4}(?:T|-\d\d)")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_BLOB = re.compile(r"\{\{\s*([A-Za-z0-9+/=\s]*)\}\}")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LONG_TEXT = re.compile(r"'''((?:[^'\\]|\\.|'(?!''))*)'''", re.DOTALL)
_SYMBOL = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": "", "\r\n": ""}
_SETS = {"$dynamodb_SS": ("SS", "S"), "$dynamodb_NS": ("NS", "N"), "$dynamodb_BS": ("BS", "B")}
MAX_DEPTH = 34


class InvalidIon(ValueError):
    """The text is no Ion, or has what no item has."""


def values(text: str) -> Iterator[dict[str, Any]]:
    """The top-level values of a text as attribute values.  Raises InvalidIon."""
    reader = _Reader(text)
    while not reader.at_end():
        found = reader.value(0)
        if found is not None:
            yield found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip()

    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def value(self, depth: int) -> dict[str, Any] | None:
        """None for a version marker."""
        if depth > MAX_DEPTH:
            self._refuse("is nested too deep")
        annotations = self._annotations()
        char = self._peek()
        if char == "{":
            return self._blob() if self._text.startswith("{{", self._at) else {"M": self._struct(depth)}
        if char == "[":
            return self._list(annotations, depth)
        if char == '"' or self._text.startswith("'''", self._at):
            return {"S": self._string()}
        if char.isdigit() or char in "+-":
            return {"N": self._number()}
        return self._word()

    def _annotations(self) -> list[str]:
        found: list[str] = []
        while True:
            mark = self._at
            name = self._name()
            if name is None or not self._text.startswith("::", self._at):
                self._at = mark
                return found
            self._at += 2
            self._skip()
            found.append(name)

    def _name(self) -> str | None:
        """A field's name or a symbol, if there is one; texts may be names of fields."""
        if self._text.startswith("'''", self._at):
            return None
        for pattern in (_IDENTIFIER, _SYMBOL):
            match = pattern.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                self._skip()
                return match[0] if pattern is _IDENTIFIER else _unescaped(match[1])
        return None

    def _struct(self, depth: int) -> dict[str, Any]:
        self._take("{")
        found: dict[str, Any] = {}
        while not self._takes("}"):
            name = self._string() if self._peek() == '"' or self._text.startswith("'''", self._at) else self._name()
            if name is None:
                self._refuse("has a field without a name")
            self._take(":")
            member = self.value(depth + 1)
            if member is not None:
                found[name] = member
            if not self._takes(","):
                self._take("}")
                break
        return found

    def _list(self, annotations: list[str], depth: int) -> dict[str, Any]:
        self._take("[")
        found: list[dict[str, Any]] = []
        while not self._takes("]"):
            element = self.value(depth + 1)
            if element is not None:
                found.append(element)
            if not self._takes(","):
                self._take("]")
                break
        for name in annotations:
            if name in _SETS:
                kind, of = _SETS[name]
                if any(of not in element for element in found):
                    self._refuse(f"has a {kind} with an element of another type")
                return {kind: [element[of] for element in found]}
        return {"L": found}

    def _string(self) -> str:
        parts: list[str] = []
        while match := _LONG_TEXT.match(self._text, self._at):
            parts.append(_unescaped(match[1]))
            self._at = match.end()
            self._skip()
        if parts:
            return "".join(parts)
        match = _TEXT.match(self._text, self._at)
        if match is None:
            self._refuse("has a text without an end")
        self._at = match.end()
        self._skip()
        return _unescaped(match[1])

    def _blob(self) -> dict[str, Any]:
        match = _BLOB.match(self._text, self._at)
        if match is None:
            self._refuse("has a blob that is not base64")
        self._at = match.end()
        self._skip()
        return {"B": "".join(match[1].split())}

    def _number(self) -> str:
        if _TIMESTAMP.match(self._text, self._at):
            self._refuse("has a timestamp, for which DynamoDB has no type")
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            self._refuse("has what is no number")
        self._at = match.end()
        self._skip()
        return canonical(match[0].replace("_", "").lower().replace("d", "e"))

    def _word(self) -> dict[str, Any] | None:
        name = self._name()
        if name == VERSION:
            return None
        if name == "null":
            if self._text.startswith(".", self._at):
                self._at += 1
                self._name()
            return {"NULL": True}
        if name in ("true", "false"):
            return {"BOOL": name == "true"}
        if name is None:
            self._refuse(f"has an unexpected {self._peek()!r}")
        return {"S": name}

    def _peek(self) -> str:
        if self.at_end():
            self._refuse("ends too early")
        return self._text[self._at]

    def _take(self, char: str) -> None:
        if not self._takes(char):
            self._refuse(f"lacks {char!r}")

    def _takes(self, char: str) -> bool:
        if not self._text.startswith(char, self._at):
            return False
        self._at += 1
        self._skip()
        return True

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _refuse(self, what: str) -> NoReturn:
        raise InvalidIon(f"The Ion {what} at character {self._at}.")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
