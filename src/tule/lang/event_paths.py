"""The JSON paths of EventBridge: `$`, `$.detail.state`, `$.resources[0]`, `$.detail.items[*].id`, `$['detail-type']`.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.(?P<name>[^.\[\]'\"\s]+)|\[(?P<index>-?\d+|\*)\]|\['(?P<quoted>[^']+)'\]|\[\"(?P<double>[^\"]+)\"\]")
MISSING: Any = object()


class InvalidPath(ValueError):
    """Not a path that EventBridge reads."""


@dataclass(slots=True, frozen=True)
class EventPath:
    steps: tuple[str | int | None, ...]  # None is a wildcard

    def find(self, event: Any) -> Any:
        """The value there, a list of values when the path has wildcards, or MISSING."""
        found = [event]
        many = False
        for step in self.steps:
            if step is None:
                many = True
                found = [inner for value in found for inner in _inside(value)]
            else:
                found = [inner for value in found if (inner := _step(value, step)) is not MISSING]
        if many:
            return found
        return found[0] if found else MISSING


def parse(text: str) -> EventPath:
    """Raises InvalidPath."""
    if not text.startswith("$"):
        raise InvalidPath(text)
    steps: list[str | int | None] = []
    position = 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise InvalidPath(text)
        position = match.end()
        name = match["name"] or match["quoted"] or match["double"]
        if match["index"] == "*" or name == "*":
            steps.append(None)
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(name)
    return EventPath(tuple(steps))


def _inside(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list(value.values()) if isinstance(value, dict) else []


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return MISSING
