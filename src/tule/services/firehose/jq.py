"""The part of jq that dynamic partitioning needs: one JSON value in, one out.

    {customer: .customer.id, type: (.type | ascii_downcase), year: (.at | strftime("%Y")), first: .tags[0]}

There are paths (`.a.b["c"][0]`, negative indexes, `?`), pipes, objects and arrays, literals and `\\(...)` in strings,
arithmetic, comparisons, `and`, `or`, `//`, `if ... then ... elif ... else ... end`, and the functions of `jq_functions`.
What gives several values (`.[]`, `,`, `select`, `empty`), variables and definitions are refused.
jq: https://jqlang.org/manual/v1.6/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tule.services.firehose.jq_functions import FUNCTIONS, JqError, index, kind_of, ordered, text_of

Filter = Callable[[Any], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<field>\.[A-Za-z_]\w*)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<mark>//|==|!=|<=|>=|[.\[\]{}():,;|+\-*/%<>?]))"
)
_DEPTH = 64
_BINARY = (
    ("//",),
    ("or",),
    ("and",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)


class InvalidQuery(ValueError):
    """The query is not of the part of jq that is understood; says where."""


def compile_query(text: str) -> Filter:
    """A function from value to value, which raises JqError.  Raises InvalidQuery."""
    parser = _Parser(text)
    made = parser.pipe()
    parser.end()
    return made


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong()

    def pipe(self) -> Filter:
        self._depth += 1
        if self._depth > _DEPTH:
            raise InvalidQuery("the query is nested too deeply")
        steps = [self._binary(0)]
        while self._take("|"):
            steps.append(self._binary(0))
        self._depth -= 1
        return steps[0] if len(steps) == 1 else _piped(steps)

    def _binary(self, level: int) -> Filter:
        if level == len(_BINARY):
            return self._postfix()
        left = self._binary(level + 1)
        while (operator := self._peek()) in _BINARY[level]:
            self._at += 1
            left = _operation(operator, left, self._binary(level + 1))
        return left

    def _postfix(self) -> Filter:
        made = self._primary()
        while True:
            if (token := self._peek()).startswith(".") and len(token) > 1:
                self._at += 1
                made = _indexed(made, _constant(token[1:]))
            elif token == "." and self._peek(1).startswith(("[", '"')):
                self._at += 1
                made = made if self._peek() == "[" else _indexed(made, self._string())
            elif token == "[":
                self._at += 1
                if self._peek() == "]":
                    raise InvalidQuery("`[]` gives several values, which is not supported")
                made = _indexed(made, self.pipe())
                self._expect("]")
            elif token == "?":
                self._at += 1
                made = _tried(made)
            else:
                return made

    def _primary(self) -> Filter:
        token = self._peek()
        if token == ".":
            return self._dot()
        if token.startswith(".") and len(token) > 1:
            return _identity
        if token.startswith('"'):
            return self._string()
        if token == "-":
            self._at += 1
            return _operation("-", _constant(0), self._postfix())
        if token == "(":
            self._at += 1
            made = self.pipe()
            self._expect(")")
            return made
        if token == "[":
            self._at += 1
            return self._array()
        if token == "{":
            self._at += 1
            return self._object()
        if token[:1].isdigit():
            self._at += 1
            return _constant(json.loads(token))
        if re.match(r"[A-Za-z_]", token):
            self._at += 1
            return self._word(token)
        raise self._wrong()

    def _dot(self) -> Filter:
        if not self._peek(1).startswith('"'):
            self._at += 1
        return _identity

    def _string(self) -> Filter:
        token = self._peek()
        self._at += 1
        return _interpolated(token) if "\\(" in token else _constant(_unquoted(token))

    def _array(self) -> Filter:
        items: list[Filter] = []
        while not self._take("]"):
            items.append(self._binary(0))
            if self._peek() != "]":
                self._expect(",")
        return lambda value: [item(value) for item in items]

    def _object(self) -> Filter:
        entries: list[tuple[Filter, Filter]] = []
        while not self._take("}"):
            entries.append(self._entry())
            if self._peek() != "}":
                self._expect(",")
        return lambda value: {_key(name(value)): entry(value) for name, entry in entries}

    def _entry(self) -> tuple[Filter, Filter]:
        """`a: .x`, `"a": .x`, `(.k): .x`, and `a` for `a: .a`."""
        token = self._peek()
        if token == "(":
            self._at += 1
            name = self.pipe()
            self._expect(")")
        elif token.startswith('"'):
            name = self._string()
        elif re.match(r"[A-Za-z_]", token):
            self._at += 1
            name = _constant(token)
        else:
            raise self._wrong()
        if self._take(":"):
            steps = [self._binary(0)]
            while self._take("|"):
                steps.append(self._binary(0))
            return name, _piped(steps)
        return name, _indexed(_identity, name)

    def _word(self, word: str) -> Filter:
        if word in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[word])
        if word == "if":
            return self._condition()
        arguments: list[Filter] = []
        if self._take("("):
            arguments.append(self.pipe())
            while self._take(";"):
                arguments.append(self.pipe())
            self._expect(")")
        function = FUNCTIONS.get((word, len(arguments)))
        if function is None:
            raise InvalidQuery(f"{word}/{len(arguments)} is not supported")
        return lambda value: function(value, *[argument(value) for argument in arguments])

    def _condition(self) -> Filter:
        test = self.pipe()
        self._expect("then")
        then = self.pipe()
        if self._take("elif"):
            otherwise = self._condition()
            return lambda value: (then if _is_true(test(value)) else otherwise)(value)
        otherwise = self.pipe() if self._take("else") else _identity
        self._expect("end")
        return lambda value: (then if _is_true(test(value)) else otherwise)(value)

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._wrong()

    def _wrong(self) -> InvalidQuery:
        return InvalidQuery(f"unexpected {self._peek() or 'end'!r} in {self._text!r}")


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidQuery(f"unexpected {text[at:].lstrip()[:1]!r} in {text!r}")
        found.append(match[match.lastgroup or 0])
        at = match.end()
    return found


def _identity(value: Any) -> Any:
    return value


def _constant(value: Any) -> Filter:
    return lambda _: value


def _piped(steps: list[Filter]) -> Filter:
    def run(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return run


def _indexed(of: Filter, key: Filter) -> Filter:
    return lambda value: index(of(value), key(value))


def _tried(made: Filter) -> Filter:
    def run(value: Any) -> Any:
        try:
            return made(value)
        except JqError:
            return None

    return run


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise JqError(f"Object keys must be strings, not {kind_of(value)}")
    return value


def _is_true(value: Any) -> bool:
    return value is not None and value is not False


def _unquoted(token: str) -> str:
    try:
        return json.loads(token)
    except ValueError as error:
        raise InvalidQuery(f"{token} is no string") from error


def _interpolated(token: str) -> Filter:
    """`"a\\(.b)c"`: no string within the parentheses."""
    parts = re.split(r"\\\(([^()]*(?:\([^()]*\)[^()]*)*)\)", token[1:-1])
    pieces = [_constant(_unquoted(f'"{part}"')) if i % 2 == 0 else compile_query(part) for i, part in enumerate(parts)]
    return lambda value: "".join(text_of(piece(value)) for piece in pieces)


def _operation(operator: str, left: Filter, right: Filter) -> Filter:
    match operator:
        case "//":
            return lambda value: _alternative(left, right, value)
        case "or":
            return lambda value: _is_true(left(value)) or _is_true(right(value))
        case "and":
            return lambda value: _is_true(left(value)) and _is_true(right(value))
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            compare = _COMPARISONS[operator]
            return lambda value: compare(ordered(left(value)), ordered(right(value)))
        case _:
            calculate = FUNCTIONS[operator, 2]
            return lambda value: calculate(left(value), right(value))


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _alternative(left: Filter, right: Filter, value: Any) -> Any:
    found = _tried(left)(value)
    return found if _is_true(found) else right(value)
