"""From trees to what can be run: names looked up, functions and operands checked, in the order in which DynamoDB complains.

Everything that only the text and the names decide is found once and cached with the compiled expression; what the values
decide is checked at each request, from left to right: the first thing that is wrong is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tule.lang.dynamodb.paths import Steps
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.reserved_words import RESERVED
from tule.lang.dynamodb.syntax import Call, Operand, Path, Step, Term
from tule.lang.dynamodb.tokens import invalid
from tule.lang.dynamodb.values import Value

Values = Mapping[str, Value]
ValueCheck = Callable[[Values], None]

_EARLY = ("parentheses", "function", "reserved", "name")  # before undefined values are complained about


@dataclass(slots=True)
class Resolution:
    """What is gathered of an expression: placeholders that it uses, attributes, first complaint of each sort, checks of values."""

    parameter: str
    names: Mapping[str, str]
    used_names: dict[str, None] = field(default_factory=dict[str, None])
    used_values: dict[str, None] = field(default_factory=dict[str, None])
    attributes: set[str] = field(default_factory=set[str])
    complaints: dict[str, str] = field(default_factory=dict[str, str])
    checks: list[ValueCheck] = field(default_factory=list[ValueCheck])
    ordered: list[ValueCheck] = field(default_factory=list[ValueCheck])  # also of values that are not defined, and complaints
    is_wrong: bool = False  # whatever the values are

    def complain(self, sort: str, what: str) -> None:
        """Note a complaint: early ones by sort, of which the first stays; others in their place among the checks of values."""
        if sort in _EARLY:
            self.complaints.setdefault(sort, what)
            return
        parameter = self.parameter

        def check(_values: Values) -> None:
            raise invalid(parameter, what)

        self.is_wrong = True
        self.ordered.append(check)

    def path(self, path: Path) -> Steps:
        """The path with its names looked up."""
        steps: list[Step] = [self._step(step) for step in path.steps]
        self.attributes.add(str(steps[0]))
        return tuple(steps)

    def operand(self, operand: Operand) -> str:
        """Note that a value is used."""
        if operand.name not in self.used_values:
            self.used_values[operand.name] = None
            self.ordered.append(_defined(self.parameter, operand.name))
        return operand.name

    def check_arity(self, call: Call, wanted: int) -> bool:
        """Whether the function got its number of operands."""
        if len(call.operands) == wanted:
            return True
        self.complain(
            "operands",
            f"Incorrect number of operands for operator or function; operator or function: {call.function}, number of operands: {len(call.operands)}",
        )
        return False

    def check_kind(self, operator: str, term: Term, allowed: frozenset[str]) -> None:
        """Refuse a request's value of another kind, when values are known."""
        if not isinstance(term, Operand):
            return
        name, parameter = term.name, self.parameter

        def check(values: Values) -> None:
            kind = next(iter(values[name]))
            if kind not in allowed:
                raise invalid(parameter, wrong_type(operator, kind))

        self.check(check)

    def check(self, check: ValueCheck) -> None:
        """Have the values checked, here in the order of things."""
        self.checks.append(check)
        self.ordered.append(check)

    def finished(self) -> Checked:
        """What is left to check at each request; raises what needs no values."""
        for sort in _EARLY:
            if sort in self.complaints:
                raise invalid(self.parameter, self.complaints[sort])
        used = frozenset(self.used_values)
        checks, ordered = tuple(self.checks), tuple(self.ordered)
        return Checked(frozenset(self.used_names), used, frozenset(self.attributes), self.is_wrong, checks, ordered)

    def _step(self, step: Step) -> Step:
        if isinstance(step, int):
            return step
        if step[0] == "#":
            self.used_names[step] = None
            if step not in self.names:
                self.complain("name", f"An expression attribute name used in the document path is not defined; attribute name: {step}")
            return self.names.get(step, step)
        if step.upper() in RESERVED:
            self.complain("reserved", f"Attribute name is a reserved keyword; reserved keyword: {step}")
        return step


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression of which everything is known but the values."""

    used_names: frozenset[str]
    used_values: frozenset[str]
    attributes: frozenset[str]
    is_wrong: bool
    checks: tuple[ValueCheck, ...]
    ordered: tuple[ValueCheck, ...]

    def check(self, placeholders: Placeholders) -> None:
        """Check a request's values, and note what was used."""
        values = placeholders.values
        for check in self.ordered if self.is_wrong or not self.used_values <= values.keys() else self.checks:
            check(values)
        placeholders.use(self.used_names, self.used_values)


def _defined(parameter: str, name: str) -> ValueCheck:
    def check(values: Values) -> None:
        if name not in values:
            what = f"An expression attribute value used in expression is not defined; attribute value: {name}"
            raise invalid(parameter, what)

    return check


def wrong_type(operator: str, kind: str) -> str:
    """The complaint about an operand's type."""
    return f"Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
