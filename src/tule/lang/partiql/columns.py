"""What SELECT shows of an item: each column under the last name of its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tule.lang.dynamodb.paths import Steps, value_at
from tule.lang.dynamodb.projections import Projection
from tule.lang.dynamodb.syntax import Path
from tule.lang.dynamodb.values import Item


class Columns(Projection):
    """A projection whose parts are not nested."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[Path], names: Mapping[str, str]) -> None:
        wanted: list[Steps] = [tuple(step if isinstance(step, int) else names[step] for step in path.steps) for path in columns]
        self._columns = [(_label(steps), steps) for steps in wanted]
        super().__init__(tuple(wanted), frozenset(str(next(iter(steps))) for steps in wanted))

    def of(self, item: Item) -> Item:
        """The columns that the item has."""
        found = ((label, value_at(item, steps)) for label, steps in self._columns)
        return {label: value for label, value in found if value is not None}


def _label(steps: Steps) -> str:
    """`b` for `a.b`, `b[0]` for `a.b[0]`."""
    label = ""
    for step in steps:
        label = f"{label}[{step}]" if isinstance(step, int) else step
    return label
