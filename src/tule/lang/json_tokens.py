"""JSON read token by token, with the words and positions of the parser behind many AWS services (Jackson).

Errors of AWS quote them: `Unexpected character ('i' (code 105)): was expecting double-quote to start field name\\n at [Source: ...;
line: 1, column: 2]`.  A position is how far the parser had read; a string is read only when its text is asked for, so until then the
position is that behind its opening quote.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import orjson

Kind = Literal["{", "}", "[", "]", "name", "string", "number", "true", "false", "null", "end"]

REDACTED = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"
MAX_DEPTH = 500
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORD = re.compile(r"[^\s,\]\[{}:\"]+")


class NotJson(ValueError):
    """`complaint` is what is wrong; `at` the offset up to which the parser had read."""

    def __init__(self, complaint: str, at: int) -> None:
        super().__init__(complaint)
        self.complaint = complaint
        self.at = at


class Token(NamedTuple):
    """`start` and `end` are offsets of the token's text; a string's text is decoded."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def read_to(self) -> int:
        """Where the parser stands after it met the token, before its text was asked for."""
        return self.start + 1 if self.kind in ("string", "name") else self.end


def position(text: str, offset: int) -> str:
    """`line: 1, column: 2`, counted from 1."""
    before = text[:offset]
    return f"line: {before.count(chr(10)) + 1}, column: {offset - before.rfind(chr(10))}"


def complaint(text: str) -> str | None:
    """What the parser says of a text that is no JSON, with the place; None when it is JSON."""
    try:
        tokens(text)
    except NotJson as error:
        return f"{error.complaint}\n at [Source: {REDACTED}; {position(text, error.at)}]"
    return None


def tokens(text: str) -> list[Token]:
    """All tokens of the first value in `text`, then one of kind `end`.  Raises NotJson."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: list[Token] = []
        self._open: list[Token] = []

    def read(self) -> list[Token]:
        self._value(self._skip())
        while self._open:
            self._next()
        self._found.append(Token("end", "", self._at, self._at))
        return self._found

    def _skip(self) -> str:
        """The next character that is no space, or nothing at the end."""
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match is not None else self._at
        return self._text[self._at : self._at + 1]

    def _next(self) -> None:
        """One more entry of the innermost object or array, or its end."""
        opened = self._open[-1]
        is_object = opened.kind == "{"
        is_first = self._found[-1] is opened
        char = self._skip()
        if not char:
            raise self._ended(opened)
        if char in "}]":
            self._close(char, opened)
            return
        if not is_first:
            if char != ",":
                raise self._unexpected(char, f"was expecting comma to separate {'Object' if is_object else 'Array'} entries")
            self._at += 1
            char = self._skip()
            if not char:
                raise self._ended(opened)
        if is_object:
            char = self._name(char)
        self._value(char)

    def _close(self, char: str, opened: Token) -> None:
        if (char == "}") != (opened.kind == "{"):
            kind, wanted = ("Object", "}") if opened.kind == "{" else ("Array", "]")
            where = f"[Source: {REDACTED}; {position(self._text, opened.start)}]"
            raise NotJson(f"Unexpected close marker '{char}': expected '{wanted}' (for {kind} starting at {where})", self._at)
        self._open.pop()
        self._put("}" if char == "}" else "]", char, 1)

    def _name(self, char: str) -> str:
        """A field's name and its colon; the first character of its value."""
        if char != '"':
            raise self._unexpected(char, "was expecting double-quote to start field name")
        self._string("name")
        char = self._skip()
        if char != ":":
            raise self._unexpected(char, "was expecting a colon to separate field name and value") if char else self._ended(self._open[-1])
        self._at += 1
        return self._skip()

    def _value(self, char: str) -> None:
        if not char:
            raise self._ended(self._open[-1]) if self._open else NotJson("No content to map due to end-of-input", self._at)
        if char in "{[":
            self._put("{" if char == "{" else "[", char, 1)
            self._open.append(self._found[-1])
            if len(self._open) > MAX_DEPTH:
                raise NotJson(f"Document nesting depth ({len(self._open)}) exceeds the maximum allowed ({MAX_DEPTH})", self._at)
        elif char == '"':
            self._string("string")
        elif char == "-" or char.isdigit():
            self._number()
        else:
            self._word(char)

    def _number(self) -> None:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise NotJson("Unexpected character ('-' (code 45)) in numeric value: expected digit (0-9) to follow minus sign", self._at + 1)
        self._put("number", match[0], len(match[0]))
        after = self._text[self._at : self._at + 1]
        if match[0] in ("0", "-0") and after.isdigit():
            raise NotJson("Invalid numeric value: Leading zeroes not allowed", self._at)
        if after and after not in " \t\r\n,]}" and self._open:
            raise self._unexpected(after, _separator(self._open[-1]))

    def _word(self, char: str) -> None:
        match = _WORD.match(self._text, self._at)
        word = match[0] if match is not None else ""
        if word in ("true", "false", "null"):
            self._put(word, word, len(word))  # type: ignore[arg-type]
        elif char.isalpha() or char in "_$":
            raise NotJson(f"Unrecognized token '{word}': was expecting {_VALUES}", self._at + len(word))
        else:
            raise self._unexpected(char, f"expected a valid value {_VALUES}")

    def _string(self, kind: Literal["string", "name"]) -> None:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._broken_string(kind)
        quoted = match[0]
        text = quoted[1:-1] if "\\" not in quoted else _unescaped(quoted)
        self._put(kind, text, len(quoted))

    def _broken_string(self, kind: str) -> NotJson:
        text, at = self._text, self._at + 1
        while at < len(text):
            char = text[at]
            if char < " ":
                said = f"Illegal unquoted character ((CTRL-CHAR, code {ord(char)})): has to be escaped using backslash to be included in "
                return NotJson(said + ("name" if kind == "name" else "string value"), at + 1)
            if char == "\\":
                escaped = text[at + 1 : at + 2]
                if escaped and escaped not in '"\\/bfnrtu':
                    return NotJson(f"Unrecognized character escape '{escaped}' (code {ord(escaped)})", at + 2)
                at += 1
            at += 1
        where = " in field name" if kind == "name" else ": was expecting closing quote for a string value"
        return NotJson(f"Unexpected end-of-input{where}", len(text))

    def _put(self, kind: Kind, text: str, length: int) -> None:
        self._found.append(Token(kind, text, self._at, self._at + length))
        self._at += length

    def _unexpected(self, char: str, expected: str) -> NotJson:
        shown = f"'{char}' (code {ord(char)})" if char >= " " else f"(CTRL-CHAR, code {ord(char)})"
        return NotJson(f"Unexpected character ({shown}): {expected}", self._at)

    def _ended(self, opened: Token) -> NotJson:
        kind = "Object" if opened.kind == "{" else "Array"
        where = f"[Source: {REDACTED}; {position(self._text, opened.start)}]"
        return NotJson(f"Unexpected end-of-input: expected close marker for {kind} (start marker at {where})", len(self._text))


def _separator(opened: Token) -> str:
    return f"was expecting comma to separate {'Object' if opened.kind == '{' else 'Array'} entries"


def _unescaped(quoted: str) -> str:
    try:
        found: Any = orjson.loads(quoted)
    except orjson.JSONDecodeError:  # half of a surrogate pair, which Java's strings may hold
        return quoted[1:-1]
    return found
