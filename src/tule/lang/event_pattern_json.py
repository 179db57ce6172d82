"""Reading the JSON of an event pattern piece by piece, with positions: AWS's refusals say line and column.

EventBridge reads patterns with Jackson's streaming parser and shows where that parser stood.  A name is read together with
the beginning of its value; a string's end only when its text is asked for or the next piece is.  Positions follow that.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NoReturn

Kind = Literal["{", "}", "[", "]", "name", "string", "number", "true", "false", "null", "end"]

MAX_DEPTH = 400
_SHOWN_CHARS = 500
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z0-9_$]+")
_WORDS: dict[str, Kind] = {"true": "true", "false": "false", "null": "null"}
_CLOSES = {"{": "}", "[": "]"}
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class InvalidPattern(ValueError):
    """The text says why, as AWS does after `Event pattern is not valid. Reason: `."""


class PatternReader:
    """Pull pieces by `next`; `text` is the last name's, string's or number's."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.name = ""
        self._position = 0
        self._text = ""
        self._open_string = False
        self._value: Kind | None = None  # of the name that was read last: its beginning is read already
        self._inside: list[str] = []
        self._begun: list[bool] = []  # whether the object or array has had an entry

    def next(self) -> Kind:
        """Raises InvalidPattern where the source is not JSON."""
        if self._value is not None:
            kind, self._value = self._value, None
            return self._enter(kind)
        self._close_string()
        self._skip_space()
        if not self._inside:
            return self._enter(self._begin_value()) if self._position < len(self.source) else "end"
        char = self._peek()
        if char == _CLOSES[self._inside[-1]]:
            self._position += 1
            self._inside.pop()
            self._begun.pop()
            return char  # type: ignore[return-value]
        self._pass_comma(char)
        if self._inside[-1] == "{":
            return self._name()
        return self._enter(self._begin_value())

    @property
    def text(self) -> str:
        self._close_string()
        return self._text

    def fail(self, why: str) -> NoReturn:
        """Raises InvalidPattern with the position that has been reached."""
        raise InvalidPattern(f"{why}\n at {self._place(self._position)}")

    def _place(self, position: int) -> str:
        line = self.source.count("\n", 0, position) + 1
        column = position - self.source.rfind("\n", 0, position)
        left_out = len(self.source) - _SHOWN_CHARS
        shown = f'"{self.source[:_SHOWN_CHARS]}"' + (f"[truncated {left_out} chars]" if left_out > 0 else "")
        return f"[Source: (String){shown}; line: {line}, column: {column}]"

    def _enter(self, kind: Kind) -> Kind:
        if kind in _CLOSES:
            if len(self._inside) >= MAX_DEPTH:
                self.fail(f"Document nesting depth ({MAX_DEPTH + 1}) exceeds the maximum allowed ({MAX_DEPTH})")
            self._inside.append(kind)
            self._begun.append(False)
        return kind

    def _name(self) -> Kind:
        if self._peek() != '"':
            self._unexpected("was expecting double-quote to start field name")
        self._position += 1
        self._open_string = True
        self.name = self.text
        self._skip_space()
        if self._peek() != ":":
            self._unexpected("was expecting a colon to separate field name and value")
        self._position += 1
        self._skip_space()
        self._value = self._begin_value()
        return "name"

    def _begin_value(self) -> Kind:
        char = self._peek()
        if char == '"':
            self._position += 1
            self._open_string = True
            return "string"
        if char in _CLOSES:
            self._position += 1
            return char  # type: ignore[return-value]
        if char == "-" or char.isdigit():
            return self._number()
        return self._literal()

    def _number(self) -> Kind:
        match = _NUMBER.match(self.source, self._position)
        if match is None:
            self._unexpected("Expected digit (0-9) to follow minus sign, for valid numeric value")
        self._position, self._text = match.end(), match[0]
        return "number"

    def _literal(self) -> Kind:
        match = _WORD.match(self.source, self._position)
        if match is None:
            self._unexpected(f"expected a valid value {_VALUES}")
        self._position, self._text = match.end(), match[0]
        kind = _WORDS.get(match[0])
        if kind is None:
            self.fail(f"Unrecognized token '{match[0]}': was expecting {_VALUES}")
        return kind

    def _pass_comma(self, char: str) -> None:
        if self._begun[-1]:
            if char != ",":
                self._unexpected(f"was expecting comma to separate {'Object' if self._inside[-1] == '{' else 'Array'} entries")
            self._position += 1
            self._skip_space()
        self._begun[-1] = True

    def _close_string(self) -> None:
        if not self._open_string:
            return
        self._open_string = False
        match = _STRING.match(self.source, self._position)
        if match is None:
            self._position = len(self.source)
            self.fail("Unexpected end-of-input in VALUE_STRING")
        self._text = json.loads('"' + match[0])
        self._position = match.end()

    def _peek(self) -> str:
        if self._position >= len(self.source):
            where = "Array" if self._inside and self._inside[-1] == "[" else "Object"
            self.fail(f"Unexpected end-of-input: expected close marker for {where}")
        return self.source[self._position]

    def _unexpected(self, what: str) -> NoReturn:
        char = self.source[self._position]
        self._position += 1
        self.fail(f"Unexpected character ('{char}' (code {ord(char)})): {what}")

    def _skip_space(self) -> None:
        match = _SPACE.match(self.source, self._position)
        if match is not None:
            self._position = match.end()
