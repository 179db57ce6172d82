"""A record, and what a path finds in it: a line of CSV, or a value of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from tule.lang.s3_select.values import MISSING, Value


class Line(NamedTuple):
    """A line of CSV; `names` are the places of its columns by their name, where a header gave names."""

    fields: Sequence[str]
    names: Mapping[str, int]

    def named(self, name: str) -> Value:
        at = self.names.get(name)
        if at is None and name[:1] == "_" and name[1:].isdigit():
            at = int(name[1:]) - 1
        return self.fields[at] if at is not None and 0 <= at < len(self.fields) else MISSING

    def pairs(self) -> list[tuple[str, Value]]:
        shown = {at: name for name, at in self.names.items()}
        return [(shown.get(at, f"_{at + 1}"), field) for at, field in enumerate(self.fields)]


Record = Line | Value


class Step(NamedTuple):
    """A name (`quoted`: as it is written), the element `at`, or every element."""

    name: str = ""
    quoted: bool = False
    at: int = -1
    every: bool = False


def find(record: Record, steps: Sequence[Step]) -> Value:
    value: Any = record
    for step in steps:
        value = _step(value, step)
        if value is MISSING or value is None:
            return value
    return value


def _step(value: Any, step: Step) -> Value:
    if step.at >= 0:
        items = cast("list[Any]", value) if isinstance(value, list) else []
        return items[step.at] if step.at < len(items) else MISSING
    if isinstance(value, Line):
        found = value.named(step.name)
        return _folded(value.names, step, lambda name: value.named(name)) if found is MISSING else found
    if isinstance(value, dict):
        known = cast("dict[str, Any]", value)
        return known[step.name] if step.name in known else _folded(known, step, lambda name: known[name])
    return MISSING


def _folded(names: Mapping[str, Any], step: Step, get: Any) -> Value:
    """Names that are not quoted are found whatever their case."""
    if step.quoted:
        return MISSING
    wanted = step.name.lower()
    return next((get(name) for name in names if name.lower() == wanted), MISSING)


def spread(record: Record, steps: Sequence[Step]) -> Iterator[Record]:
    """The records that the path behind FROM makes of one."""
    if not steps:
        yield record
        return
    first, rest = steps[0], steps[1:]
    if first.every:
        items = cast("list[Any]", record) if isinstance(record, list) else [record]
        for item in items:
            yield from spread(item, rest)
        return
    found = _step(record, first)
    if found is not MISSING:
        yield from spread(found, rest)
