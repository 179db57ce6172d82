"""Event patterns, as EventBridge, Pipes and Lambda's event source mappings match events against them.

An event is flattened to paths (`detail.items.id`) with all values found there.  Fields of objects in an array belong
together: a pattern that asks for two of them wants both in one element, so every value carries the elements of arrays that
it is in, and values of one match must not contradict each other.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from tule.lang.event_pattern_arrays import Elements, Places, agree
from tule.lang.event_pattern_fields import Accepted, Rule, read
from tule.lang.event_pattern_json import InvalidPattern
from tule.lang.event_pattern_values import Value

T = TypeVar("T")
Flat = dict[str, list[tuple[Value, Elements]]]

__all__ = ["InvalidPattern", "Pattern", "PatternSet", "compile"]


class Pattern:
    """A compiled pattern.  `rules` are alternatives, of which one must fit."""

    __slots__ = ("_rules", "steps")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(tuple(sorted(rule.items())) for rule in rules)
        self.steps = frozenset(step for rule in self._rules for path, _ in rule for step in path.split("."))

    def matches(self, event: Mapping[str, Any]) -> bool:
        """`event` is a JSON object as a parser gives it."""
        return self.matches_flat(flatten(event, self.steps))

    def matches_flat(self, flat: Flat) -> bool:
        """For an event that was flattened for these steps and perhaps others."""
        return any(_fits(rule, flat) for rule in self._rules)


class PatternSet(Generic[T]):
    """Several patterns, which an event is flattened for once."""

    def __init__(self, patterns: Iterable[tuple[T, Pattern]]) -> None:
        self._patterns = tuple(patterns)
        self._steps = frozenset().union(*(pattern.steps for _, pattern in self._patterns)) if self._patterns else frozenset[str]()

    def matching(self, event: Mapping[str, Any]) -> list[T]:
        """What stands for the patterns that match, in their order."""
        if not self._patterns:
            return []
        flat = flatten(event, self._steps)
        return [item for item, pattern in self._patterns if pattern.matches_flat(flat)]


def compile(pattern: str | Mapping[str, Any]) -> Pattern:
    """Raises InvalidPattern."""
    return Pattern(read(pattern if isinstance(pattern, str) else json.dumps(pattern)))


def flatten(event: Mapping[str, Any], steps: frozenset[str]) -> Flat:
    """All values under names that patterns use.  A name with a dot is also found as the path that it looks like."""
    flat: Flat = {}
    arrays = 0
    waiting: list[tuple[Any, str, Elements]] = [(event, "", ())]
    while waiting:
        node, path, elements = waiting.pop()
        if isinstance(node, dict):
            for name, inner in node.items():
                if name in steps or "." in name:
                    waiting.append((inner, f"{path}.{name}" if path else name, elements))
        elif isinstance(node, list):
            for index, inner in enumerate(node):
                waiting.append((inner, path, (*elements, (arrays, index)) if isinstance(inner, (dict, list)) else elements))
            arrays += 1
        else:
            flat.setdefault(path, []).append((node, elements))
    return flat


def _fits(rule: tuple[tuple[str, Accepted], ...], flat: Flat) -> bool:
    wanted: list[Places] = []
    for path, accepted in rule:
        values = flat.get(path)
        if values is None:
            if not accepted.absent:
                return False
            continue
        places = {elements for value, elements in values if accepted.accepts(value)}
        if not places and not accepted.absent:
            return False
        wanted.append(Places(places, [elements for _, elements in values] if accepted.absent else None))
    if all(() in places.accepted for places in wanted):
        return True  # values outside of arrays of objects contradict nothing
    return agree(wanted)
