"""Projections: which parts of an item are wanted.

AWS: Developer Guide, "Using projection expressions in DynamoDB".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tule.core.errors import ServiceError
from tule.lang.dynamodb import paths
from tule.lang.dynamodb.paths import Steps
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.resolution import Checked, Resolution
from tule.lang.dynamodb.syntax import Path, Step
from tule.lang.dynamodb.tokens import Reader
from tule.lang.dynamodb.values import Item, Value

PARAMETER = "ProjectionExpression"


class Projection:
    """The wanted paths.  `attributes` are the top-level ones; `whole` says that nothing but whole attributes is wanted."""

    __slots__ = ("_tree", "attributes", "paths", "whole")

    def __init__(self, wanted: tuple[Steps, ...], attributes: frozenset[str]) -> None:
        self.paths = wanted
        self.attributes = attributes
        self.whole = all(len(steps) == 1 for steps in wanted)
        self._tree: dict[Step, Any] = {} if self.whole else _tree(wanted)

    @classmethod
    def of_attributes(cls, names: list[str]) -> Projection:
        """Whole attributes by their names."""
        return cls(tuple((name,) for name in names), frozenset(names))

    def of(self, item: Item) -> Item:
        """The wanted part of the item; elements of lists close up."""
        if self.whole:
            wanted = self.attributes
            return {name: value for name, value in item.items() if name in wanted}
        found: Item = {}
        for name, value in item.items():
            branch = self._tree.get(name)
            part = None if branch is None else _part(value, branch)
            if part is not None:
                found[name] = part
        return found


def projection(text: str, placeholders: Placeholders) -> Projection:
    """The projection of this text."""
    compiled, checked = _compiled(text, placeholders.key)
    checked.check(placeholders)
    return compiled


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Path, ...]:
    reader = Reader(PARAMETER, text, frozenset())
    found = [reader.path()]
    while reader.at(","):
        reader.next()
        found.append(reader.path())
    reader.expect_end()
    return tuple(found)


@lru_cache(maxsize=1024)
def _compiled(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Projection, Checked]:
    resolution = Resolution(PARAMETER, dict(names))
    wanted = tuple(resolution.path(path) for path in _parsed(text))
    try:
        paths.check_apart(PARAMETER, wanted)
    except ServiceError as error:
        resolution.complain("overlap", error.message.removeprefix(f"Invalid {PARAMETER}: "))
    checked = resolution.finished()
    return Projection(wanted, checked.attributes), checked


def _tree(wanted: tuple[Steps, ...]) -> dict[Step, Any]:
    """Branches by step; an empty branch wants all that is there."""
    tree: dict[Step, Any] = {}
    for steps in wanted:
        branch = tree
        for step in steps:
            branch = branch.setdefault(step, {})
    return tree


def _part(value: Value, branch: dict[Step, Any]) -> Value | None:
    if not branch:
        return value
    members = value.get("M")
    if members is not None:
        parts = {name: _part(members[name], below) for name, below in branch.items() if name in members}
        kept = {name: part for name, part in parts.items() if part is not None}
        return {"M": kept} if kept else None
    elements = value.get("L")
    if elements is None:
        return None
    indexes = sorted(step for step in branch if isinstance(step, int) and step < len(elements))
    found = [part for part in (_part(elements[index], branch[index]) for index in indexes) if part is not None]
    return {"L": found} if found else None
