"""Random values that satisfy a shape and its constraints, and that the wire in question can say.

What cannot be said is left out: an empty structure in a form, a newline in a header.  Everything is drawn from a seeded
`random.Random`, so a failure comes back.
"""

from __future__ import annotations

import random
import re
import string
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from tule.wire.patterns import matcher, translated
from tule.wire.shapes import Shape, Shapes, is_streaming

_PLAIN = string.ascii_letters + string.digits + "-_."
_ODD = _PLAIN + " !\"#$%&'()*+,/:;<=>?@[]^`{|}~é€日😀"
_MAX_DEPTH = 4


class Unsampleable(Exception):
    """No value was found for a constraint."""


class Samples:
    def __init__(self, shapes: Shapes, seed: str, *, protocol: str, answer: bool) -> None:
        self._shapes = shapes
        self._random = random.Random(seed)
        self._answer = answer
        self._form = protocol in ("query", "ec2") and not answer
        self._xml = protocol in ("query", "ec2", "rest-xml")

    def structure(self, shape: Shape) -> dict[str, Any]:
        return self._structure(shape, 0) or {}

    def _value(self, shape: Shape, depth: int) -> Any:
        """None where nothing can be said."""
        kind = shape["type"]
        if kind == "verbatim":
            return {"M": {"é": {"L": [{"N": "1"}, {"NULL": True}]}}}
        if kind == "structure":
            return {"any": [1, {"thing": None}, "é"]} if shape.get("document") else self._structure(shape, depth + 1)
        if kind == "list":
            return self._list(shape, depth)
        if kind == "map":
            return self._map(shape, depth)
        return self._scalar(shape)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any] | None:
        members = self._shapes.members(shape)
        required = shape.get("required", ())
        names = [name for name, member in members.items() if not member.get("eventstream")]
        if shape.get("union"):
            names = names if depth <= _MAX_DEPTH else [name for name in names if members[name]["type"] not in ("structure", "list", "map")] or names
            names = [self._random.choice(names)]
        elif depth > _MAX_DEPTH:
            names = [name for name in names if name in required]
        value: dict[str, Any] = {}
        for name in names:
            if name not in required and not self._always(shape, name, members[name]) and self._random.random() < 0.2:
                continue
            try:
                inner = self._value(members[name], depth)
            except Unsampleable:
                if name in required:
                    raise
                continue
            if inner is not None:
                value[name] = inner
            elif name in required:
                raise Unsampleable(name)
        if not value and (self._form or shape.get("union")):
            return None
        return value

    def _always(self, shape: Shape, name: str, member: Shape) -> bool:
        """What is never left out, as an absent one and an empty or usual one look alike on the wire."""
        if member.get("location") in ("headers", "statusCode") or member.get("locationName", "").lower() in ("content-type", "content-length"):
            return True
        return name == shape.get("payload") or bool(shape.get("union")) or is_streaming(member)

    def _list(self, shape: Shape, depth: int) -> list[Any] | None:
        if depth > 12:
            return None
        member = self._shapes.at(shape["member"])
        size = max(1, shape.get("min", 0))
        if depth < 2 and shape.get("max", 9) >= 3:
            size = max(size, self._random.randint(1, 3))
        values = [self._value(member, depth + 1) for _ in range(size)]
        values = [value for value in values if value is not None]
        return values if len(values) >= max(1, shape.get("min", 0)) else None

    def _map(self, shape: Shape, depth: int) -> dict[str, Any] | None:
        if depth > 12:
            return None
        key, member = self._shapes.at(shape["key"]), self._shapes.at(shape["value"])
        low = max(1, shape.get("min", 0))
        in_header = shape.get("location") in ("headers", "querystring")
        result: dict[str, Any] = {}
        for _ in range(low + 3):
            name = self._word(6).lower() if in_header else self._scalar(key)
            inner = self._value(member, depth + 1)
            if inner is not None:
                result[name] = inner
            if len(result) >= low:
                return result
        return None

    def _scalar(self, shape: Shape) -> Any:
        kind = shape["type"]
        if shape.get("location") == "statusCode":
            return 200
        if kind in ("string", "character"):
            return self._string(shape)
        if kind in ("integer", "long"):
            return self._integer(shape)
        if kind in ("float", "double"):
            low, high = shape.get("min", -1000), shape.get("max", 1000)
            return float(low) if low == high else round(self._random.uniform(max(low, -1e6), min(high, 1e6)), 3)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "blob":
            size = max(shape.get("min", 0), min(self._random.randint(1, 40), shape.get("max", 40)))
            return self._random.randbytes(size)
        return datetime.fromtimestamp(self._random.randint(0, 4_000_000_000), UTC)

    def _integer(self, shape: Shape) -> int:
        widest = 2**63 - 1 if shape["type"] == "long" else 2**31 - 1
        low, high = shape.get("min", -5), shape.get("max", widest)
        return self._random.choice([low, high, self._random.randint(low, high)])

    def _string(self, shape: Shape) -> str:
        if "enum" in shape:
            return self._random.choice(shape["enum"])
        low, high = shape.get("min", 0), shape.get("max", sys.maxsize)
        if "pattern" in shape and not self._answer:  # nobody checks answers
            return self._matching(shape["pattern"], low, high, plain=bool(shape.get("location")))
        size = max(low, min(self._random.randint(1, 12), high))
        if shape.get("location"):
            return self._word(max(1, size))
        return "".join(self._random.choice(_ODD) for _ in range(size))

    def _word(self, size: int) -> str:
        return "a" + "".join(self._random.choice(string.ascii_lowercase + string.digits) for _ in range(size - 1))

    def _matching(self, pattern: str, low: int, high: int, *, plain: bool) -> str:
        matches = matcher(pattern)
        tree = _parsed(translated(pattern))
        for attempt in range(300):
            budget = (3, 12, 1, max(low, 1), 40, low + 8)[attempt % 6]
            text = _generate(tree, self._random, budget)
            is_sayable = not plain or (text.strip() == text and text.isascii() and text.isprintable() and text not in ("", ".", ".."))
            if low <= len(text) <= high and is_sayable and matches(text) and _is_xml(text):
                return text
        raise Unsampleable(pattern)


def _is_xml(text: str) -> bool:
    return all(char >= " " and char not in "\x7f￾￿" for char in text)


@cache
def _parsed(pattern: str) -> Any:
    return sre_parser.parse(pattern, re.ASCII)


def _generate(tree: Any, rng: random.Random, budget: int) -> str:
    return "".join(_piece(op, argument, rng, budget) for op, argument in tree)


def _piece(op: Any, argument: Any, rng: random.Random, budget: int) -> str:
    if op is sre.LITERAL:
        return chr(argument)
    if op is sre.ANY:
        return rng.choice(_PLAIN)
    if op is sre.NOT_LITERAL:
        return rng.choice([char for char in _PLAIN if ord(char) != argument])
    if op is sre.IN:
        return _one_of(argument, rng)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)):
        low, high, inner = argument
        count = rng.randint(low, max(low, min(int(high), low + budget)))
        return "".join(_generate(inner, rng, max(1, budget // 2)) for _ in range(count))
    if op is sre.SUBPATTERN:
        return _generate(argument[3], rng, budget)
    if op is sre.BRANCH:
        return _generate(rng.choice(argument[1]), rng, budget)
    return ""  # anchors and assertions say nothing themselves; the whole is checked afterwards


_CATEGORIES = {
    sre.CATEGORY_DIGIT: string.digits,
    sre.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_SPACE: _PLAIN,
    sre.CATEGORY_NOT_DIGIT: string.ascii_letters,
    sre.CATEGORY_NOT_WORD: "-.",
}


def _one_of(choices: Sequence[Any], rng: random.Random) -> str:
    if choices[0][0] is sre.NEGATE:
        return rng.choice([char for char in _PLAIN + " " if not _is_in(char, choices[1:])] or ["\u00e9"])
    ordinary = [char for char in _PLAIN if _is_in(char, choices)]
    if ordinary and rng.random() < 0.95:
        return rng.choice(ordinary)
    op, argument = rng.choice(choices)
    if op is sre.LITERAL:
        return chr(argument)
    if op is sre.RANGE:
        low, high = argument
        return chr(rng.randint(max(low, 32), max(max(low, 32), min(high, 126)))) if low < 127 else chr(rng.randint(low, high))
    return rng.choice(_CATEGORIES[argument])


def _is_in(char: str, choices: Sequence[Any]) -> bool:
    code = ord(char)
    for op, argument in choices:
        if (op is sre.LITERAL and code == argument) or (op is sre.RANGE and argument[0] <= code <= argument[1]):
            return True
        if op is sre.CATEGORY and char in _CATEGORIES[argument]:
            return True
    return False


def streaming_member(shapes: Shapes, shape: Shape) -> str | None:
    return next((name for name, member in shapes.members(shape).items() if is_streaming(member)), None)
