"""The trees that expressions are parsed into, before names and values are known."""

from __future__ import annotations

from dataclasses import dataclass

Step = str | int  # an attribute's name, or an index into a list


@dataclass(frozen=True, slots=True)
class Path:
    """`a.b[0]`, with names and `#names` as they were written."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """`:name`, a value of the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`function(a, b)`; one of update or condition."""

    function: str
    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b` or `a - b`, on the right side of SET."""

    operator: str
    left: Term
    right: Term


Term = Path | Operand | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b` and its like."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Between:
    """`a BETWEEN b AND c`."""

    operand: Term
    lower: Term
    upper: Term


@dataclass(frozen=True, slots=True)
class In:
    """`a IN (b, c)`."""

    operand: Term
    options: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these at least."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: Node


Node = Comparison | Between | In | And | Or | Not | Call


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: `SET path = value`, `REMOVE path`, `ADD path value`, `DELETE path value`."""

    section: str
    path: Path
    value: Term | Sum | None
