"""What statements are parsed into.

Paths hold `#0`, `#1`, ... for names and conditions `:0`, `:1`, ... for values, as expressions do; `Wording` says what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tule.lang.dynamodb.syntax import Action, Node, Path
from tule.lang.dynamodb.values import Value


@dataclass(frozen=True, slots=True)
class Parameter:
    """The request's parameter of this number, from 0."""

    number: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A scalar that the statement writes out."""

    value: Value


@dataclass(frozen=True, slots=True)
class Structure:
    """`{'a': 1}`."""

    members: dict[str, Literal]


@dataclass(frozen=True, slots=True)
class Sequence:
    """`[1, 2]`."""

    elements: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Bag:
    """`<<1, 2>>`: a set."""

    elements: tuple[Literal, ...]


Literal = Parameter | Constant | Structure | Sequence | Bag


@dataclass(slots=True)
class Wording:
    """What the placeholders of a statement's trees mean, and how many parameters it takes."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[str, Literal] = field(default_factory=dict[str, Literal])
    parameters: int = 0


@dataclass(frozen=True, slots=True)
class Select:
    """`columns` None for `*`; `order` names and whether they descend."""

    table: str
    index: str | None
    columns: tuple[Path, ...] | None
    where: Node | None
    order: tuple[tuple[str, bool], ...]
    wording: Wording


@dataclass(frozen=True, slots=True)
class Exists:
    """`EXISTS(SELECT ...)`: a transaction's condition."""

    select: Select

    @property
    def table(self) -> str:
        return self.select.table

    @property
    def wording(self) -> Wording:
        return self.select.wording


@dataclass(frozen=True, slots=True)
class Insert:
    table: str
    item: Literal
    wording: Wording


@dataclass(frozen=True, slots=True)
class Update:
    """`returning` as ReturnValues names it, or NONE."""

    table: str
    actions: tuple[Action, ...]
    where: Node | None
    returning: str
    wording: Wording


@dataclass(frozen=True, slots=True)
class Delete:
    table: str
    where: Node | None
    returning: str
    wording: Wording


Statement = Select | Exists | Insert | Update | Delete
