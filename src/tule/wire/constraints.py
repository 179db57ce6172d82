"""The model's constraints on params, checked by compiled closures.

A closure answers fast whether anything is wrong; only then `violations` walks again to say what, in AWS's words.
Subtrees without any constraint cost nothing.

How a service words its refusal is data (`data/validation.json`):

`coral`                   "1 validation error detected: Value null at 'name' failed to satisfy constraint: ..."; the rule
`must-contain-parameter`  only required members are checked, "The request must contain the parameter X"
`parameter-is-required`   CloudWatch: "The parameter X is required.", and coral for all else
`s3`                      required members of the body are schema: MalformedXML; all else is the service's own

Enums are checked where AWS's own front checks them (`enums`): not in S3, EC2, SQS, SNS and others that have words of
their own for a wrong value.  Required idempotency tokens may be absent: SDKs fill them in, other callers need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tule.wire.patterns import matcher
from tule.wire.shapes import Shape, Shapes

Check = Callable[[Any], bool]
"""True when the value satisfies every constraint."""

_FILE = Path(__file__).parent / "data" / "validation.json"
SIZED = frozenset(("string", "blob", "list", "map"))


@dataclass(slots=True, frozen=True)
class Manner:
    """How one service validates: the error's code, its words, and what it checks.

    `body_prefix`: paths of members in the body begin with the operation's input (`createRestApiInput.name`).
    `null_members`: says of scalar members of lists that they must not be null.
    """

    code: str
    words: str
    enums: bool = True
    required: bool = True
    body_prefix: bool = False
    null_members: bool = False


@cache
def _manners() -> dict[str, Any]:
    return orjson.loads(_FILE.read_bytes())


def manner_of(service: str) -> Manner:
    document = _manners()
    return Manner(**{**document["default"], **document["services"].get(service, {})})


class Checks:
    """Compiles checks; one per service."""

    def __init__(self, shapes: Shapes, manner: Manner) -> None:
        self._shapes = shapes
        self._manner = manner
        self._values_too = manner.words in ("coral", "parameter-is-required")
        self._made: dict[str, Check | None] = {}
        self._constrained: dict[str, bool] = {}

    def check(self, shape: Shape) -> Check | None:
        """None where nothing can be wrong."""
        name = shape["shape"]
        if name not in self._made:
            if not self._is_constrained(name, set()):
                self._made[name] = None
            else:
                self._made[name] = lambda value: self._late(name, value)
                self._made[name] = self._compile(shape)
        return self._made[name]

    def required(self, structure: Shape) -> list[str]:
        """Members that have to be there."""
        if not self._manner.required:
            return []
        members = structure["members"]
        return [name for name in structure.get("required", ()) if not members[name].get("idempotencyToken")]

    def own(self, shape: Shape) -> list[Check]:
        """The constraints of one shape, without what is below it."""
        if not self._values_too:
            return []
        kind = shape["type"]
        checks: list[Check] = []
        low, high = shape.get("min"), shape.get("max")
        if kind in SIZED:
            checks += [_longer(low)] if low else []
            checks += [_shorter(high)] if high is not None else []
        elif kind in ("integer", "long", "float", "double"):
            checks += [lambda value: value >= low] if low is not None else []
            checks += [lambda value: value <= high] if high is not None else []
        if kind == "string":
            if (pattern := shape.get("pattern")) is not None and "enum" not in shape:
                checks.append(lambda value: matcher(pattern)(value) is not None)
            if self._manner.enums and "enum" in shape:
                checks.append(frozenset(shape["enum"]).__contains__)
        return checks

    def _late(self, name: str, value: Any) -> bool:
        check = self._made[name]
        return check is None or check(value)

    def _is_constrained(self, name: str, above: set[str]) -> bool:
        known = self._constrained.get(name)
        if known is not None:
            return known
        if name in above:
            return False
        above.add(name)
        shape = self._shapes.named(name)
        found = bool(self.own(shape)) or (shape["type"] == "structure" and bool(self.required(shape)))
        if not found:
            found = any(self._is_constrained(below, above) for below in self._shapes.below(shape))
        if found or len(above) == 1:
            self._constrained[name] = found
        above.discard(name)
        return found

    def _compile(self, shape: Shape) -> Check | None:
        checks = self.own(shape)
        kind = shape["type"]
        if kind == "structure":
            below = self._structure(shape)
        elif kind == "list":
            item = self.check(self._shapes.at(shape["member"]))
            below = None if item is None else _every(item)
        elif kind == "map":
            below = self._map(shape)
        else:
            below = None
        return _together([*checks, below] if below is not None else checks)

    def _structure(self, shape: Shape) -> Check | None:
        required = tuple(self.required(shape))
        checks = {name: check for name, member in self._shapes.members(shape).items() if (check := self.check(member)) is not None}
        get = checks.get
        if not checks and not required:
            return None

        def ok(value: Any) -> bool:
            for name in required:
                if value.get(name) is None:
                    return False
            for name, inner in value.items():
                check = get(name)
                if check is not None and inner is not None and not check(inner):
                    return False
            return True

        return ok

    def _map(self, shape: Shape) -> Check | None:
        key, item = self.check(self._shapes.at(shape["key"])), self.check(self._shapes.at(shape["value"]))
        if key is None:
            return None if item is None else lambda value: all(map(item, value.values()))
        if item is None:
            return lambda value: all(map(key, value))
        return lambda value: all(map(key, value)) and all(map(item, value.values()))


def _together(checks: list[Check]) -> Check | None:
    if len(checks) < 2:
        return checks[0] if checks else None
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    return lambda value: all(check(value) for check in checks)


def _every(item: Check) -> Check:
    def ok(value: Any) -> bool:
        return all(inner is None or item(inner) for inner in value)

    return ok


def _longer(low: int) -> Check:
    return lambda value: len(value) >= low


def _shorter(high: int) -> Check:
    return lambda value: len(value) <= high


def nothing_to_check(_: Mapping[str, Any]) -> None:
    return None
