"""Applying changes to an item: a copy is changed, and only where a change leads.

Values were computed from the item as it was.  List positions are those before the update: elements are set first, what lies
beyond a list's end is appended in order of position, elements are removed last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import numbers
from tule.lang.dynamodb.paths import Steps
from tule.lang.dynamodb.syntax import Step
from tule.lang.dynamodb.values import NESTING, Item, Value, depth, too_deep


class Change(NamedTuple):
    """SET, REMOVE, ADD (to lists only by the old AttributeUpdates) or DELETE, with the value that it takes."""

    section: str
    steps: Steps
    value: Value | None


class Updated(NamedTuple):
    """The new item, and the paths that were written."""

    item: Item
    paths: tuple[Steps, ...]


def apply(changes: Sequence[Change], item: Item | None, key: Item, mismatch: Callable[[], ServiceError]) -> Item:
    """The item with the changes; `item` itself is not touched.  `mismatch` is the refusal of what cannot be added or deleted."""
    new = dict(key if item is None else item)
    others: list[Change] = []
    for change in changes:
        section, steps, value = change
        if section == "SET" and len(steps) == 1 and value is not None:
            new[steps[0]] = value  # type: ignore[index]
        else:
            others.append(change)
    if others:
        draft = _Draft(new, mismatch)
        for change in others:
            draft.change(change, is_new=item is None)
        draft.finish()
    return new


def invalid_path() -> ServiceError:
    """The path leads through something that is not there, or is no map or list."""
    return validation("The document path provided in the update expression is invalid for update")


def wrong_operand() -> ServiceError:
    """The item's own value has a type that the operation cannot take."""
    return validation("An operand in the update expression has an incorrect data type")


class _Draft:
    def __init__(self, item: Item, mismatch: Callable[[], ServiceError]) -> None:
        self.item = item
        self._mismatch = mismatch
        self._copies: dict[Steps, Any] = {}
        self._appended: dict[Steps, list[tuple[int, Value]]] = {}
        self._removed: dict[Steps, list[int]] = {}

    def change(self, change: Change, *, is_new: bool) -> None:
        steps = list(change.steps)
        if is_new and change.section == "REMOVE":
            return
        parent = self._container(change.steps[:-1]) if len(steps) > 1 else self.item
        value = self._new_value(change, _member(parent, steps[-1]))
        if value is None:
            self._remove(parent, change.steps[:-1], steps[-1])
        else:
            if len(steps) > 1 and len(steps) - 1 + depth(value) > NESTING:
                raise too_deep()
            self._set(parent, change.steps[:-1], steps[-1], value)

    def finish(self) -> None:
        """Append and remove elements, now that positions matter no more."""
        for steps, appended in self._appended.items():
            self._copies[steps].extend(value for _, value in sorted(appended, key=lambda pair: pair[0]))
        for steps, removed in self._removed.items():
            for index in sorted(removed, reverse=True):
                del self._copies[steps][index]

    def _new_value(self, change: Change, existing: Value | None) -> Value | None:
        """What the place holds afterwards; None for nothing."""
        value = change.value
        if change.section in ("SET", "REMOVE"):
            return value
        assert value is not None
        if existing is None:
            return None if change.section == "DELETE" else value
        kind = next(iter(value))
        if kind not in existing:
            raise self._mismatch()
        if change.section == "DELETE":
            left = _without(existing[kind], value[kind])
            return {kind: left} if left else None
        if kind == "N":
            return {"N": numbers.add(existing["N"], value["N"])}
        if kind == "L":
            return {"L": existing["L"] + value["L"]}
        return {kind: existing[kind] + _without(value[kind], existing[kind])}

    def _set(self, parent: Any, above: Steps, last: Step, value: Value) -> None:
        if isinstance(last, int) and last >= len(parent):
            self._appended.setdefault(above, []).append((last, value))
        else:
            parent[last] = value

    def _remove(self, parent: Any, above: Steps, last: Step) -> None:
        if not isinstance(last, int):
            parent.pop(last, None)
        elif last < len(parent):
            self._removed.setdefault(above, []).append(last)

    def _container(self, steps: Steps) -> Any:
        """The map or list that the steps lead to, copied so that it may be changed."""
        known = self._copies.get(steps)
        if known is not None:
            return known
        last: Step = list(steps)[-1]
        above: Any = self._container(steps[:-1]) if len(steps) > 1 else self.item
        value = _member(above, last)
        kind = next(iter(value)) if value else ""
        if value is None or kind not in ("M", "L"):
            raise invalid_path()
        copy = self._copies[steps] = value[kind].copy()
        above[last] = {kind: copy}
        return copy


def _member(container: Any, step: Step) -> Value | None:
    if isinstance(step, int):
        if not isinstance(container, list):
            raise invalid_path()
        return container[step] if step < len(container) else None
    if not isinstance(container, dict):
        raise invalid_path()
    return container.get(step)


def _without(existing: list[str], deleted: list[str]) -> list[str]:
    return [one for one in existing if one not in deleted]
