"""Document paths: reading what they lead to, and whether two of them can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from tule.lang.dynamodb.syntax import Step
from tule.lang.dynamodb.tokens import invalid
from tule.lang.dynamodb.values import Item, Value

Steps = tuple[Step, ...]


def value_at(item: Item, steps: Steps) -> Value | None:
    """What is there, or None."""
    value = item.get(steps[0])  # type: ignore[arg-type]
    for step in steps[1:]:
        if value is None:
            return None
        value = child(value, step)
    return value


def child(value: Value, step: Step) -> Value | None:
    """The member or element of a map or list, or None."""
    if type(step) is str:
        members = value.get("M")
        return None if members is None else members.get(step)
    elements = value.get("L")
    return elements[step] if elements is not None and step < len(elements) else None  # type: ignore[operator]


def shown(steps: Steps) -> str:
    """A path as messages show it: `[a, b, [0]]`."""
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in steps) + "]"


def check_apart(parameter: str, paths: Sequence[Steps]) -> None:
    """Refuse two paths of which one leads into the other, or that take one value for a list and for a map."""
    if len(paths) < 2:
        return
    for at, path in enumerate(paths):
        for other in paths[:at]:
            word = _clash(other, path)
            if word:
                what = f"Two document paths {word} with each other; must remove or rewrite one of these paths; "
                raise invalid(parameter, f"{what}path one: {shown(other)}, path two: {shown(path)}")


def _clash(one: Steps, two: Steps) -> str | None:
    for a, b in zip(one, two, strict=False):
        if type(a) is not type(b):
            return "conflict"
        if a != b:
            return None
    return "overlap"
