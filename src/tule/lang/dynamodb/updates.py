"""Updates: compiled once by text and names, then applied to items.

AWS: Developer Guide, "Using update expressions in DynamoDB".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import numbers, paths
from tule.lang.dynamodb.paths import Steps, value_at
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.projections import Projection
from tule.lang.dynamodb.resolution import Checked, Resolution, Values
from tule.lang.dynamodb.syntax import Action, Call, Operand, Path, Sum, Term
from tule.lang.dynamodb.tokens import invalid
from tule.lang.dynamodb.update_parser import PARAMETER, parse
from tule.lang.dynamodb.updating import Change, Updated, apply, wrong_operand
from tule.lang.dynamodb.values import SETS, Item, Value

Getter = Callable[[Item, Values], Value | None]
Write = tuple[str, Steps, Getter | None]  # section, where, what

ARITIES = {"if_not_exists": 2, "list_append": 2}
CONDITIONS_FUNCTIONS = frozenset(("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"))
TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "L": "LIST",
    "M": "MAP",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
}
_ALLOWED = {"ADD": frozenset(("N", *SETS)), "DELETE": frozenset(SETS)}


class Plan:
    """An update before its values are known."""

    __slots__ = ("attributes", "only_removes", "paths", "writes", "written")

    def __init__(self, writes: Sequence[Write], attributes: frozenset[str]) -> None:
        self.writes = writes
        self.attributes = attributes
        self.only_removes = bool(writes) and all(section in ("REMOVE", "DELETE") for section, _, _ in writes)
        self.paths = tuple(steps for _, steps, _ in writes)
        self.written = frozenset(str(steps[0]) for steps in self.paths)


class Update:
    """An update with its values.

    `attributes` are the top-level attributes that it reads or writes, `written` those that it writes, `paths` what it writes.
    `only_removes` says that it makes no item where there is none.
    """

    __slots__ = ("_mismatch", "_values", "_writes", "attributes", "only_removes", "paths", "written")

    def __init__(self, plan: Plan, values: Values, mismatch: Callable[[], ServiceError] = wrong_operand) -> None:
        self._writes = plan.writes
        self._values = values
        self._mismatch = mismatch
        self.attributes = plan.attributes
        self.only_removes = plan.only_removes
        self.paths = plan.paths
        self.written = plan.written

    def check_keys(self, keys: Iterable[str]) -> None:
        """Refuse to write an attribute of the primary key."""
        for name in keys:
            if name in self.written:
                raise validation(f"One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key")

    def apply(self, item: Item | None, key: Item) -> Updated:
        """The new item (a copy; the old one stays as it is) from the stored one, or from the key alone."""
        old: Item = key if item is None else item
        changes = [Change(section, steps, get(old, self._values) if get else None) for section, steps, get in self._writes]
        return Updated(apply(changes, item, key, self._mismatch), self.paths)

    def values_in(self, item: Item | None) -> Item | None:
        """What the written paths hold in an item, before or after: for UPDATED_OLD and UPDATED_NEW; None for nothing."""
        if item is None:
            return None
        return Projection(self.paths, self.written).of(item) or None


def update(text: str, placeholders: Placeholders) -> Update:
    """The update of this text."""
    plan, checked = _compiled(text, placeholders.key)
    checked.check(placeholders)
    return Update(plan, placeholders.values)


def of_actions(actions: tuple[Action, ...], placeholders: Placeholders) -> Update:
    """The update of actions that another language was parsed into."""
    plan, checked = _compiled_actions("", actions, False, placeholders.key)
    checked.check(placeholders)
    return Update(plan, placeholders.values)


def missing_attribute() -> ServiceError:
    """The right side of SET names what the item has not."""
    return validation("The provided expression refers to an attribute that does not exist in the item")


@lru_cache(maxsize=2048)
def _compiled(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Plan, Checked]:
    return _compiled_actions.__wrapped__(PARAMETER, *parse(text), names)


@lru_cache(maxsize=512)
def _compiled_actions(parameter: str, actions: tuple[Action, ...], redundant: bool, names: tuple[tuple[str, str], ...]) -> tuple[Plan, Checked]:
    compiler = _Compiler(Resolution(parameter, dict(names)))
    if redundant:
        compiler.resolution.complain("parentheses", "The expression has redundant parentheses;")
    writes = tuple(compiler.action(action) for action in actions)
    try:
        paths.check_apart("", [steps for _, steps, _ in writes])
    except ServiceError as error:
        compiler.resolution.complain("overlap", error.message)
    checked = compiler.resolution.finished()
    return Plan(writes, checked.attributes), checked


class _Compiler:
    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution

    def action(self, action: Action) -> Write:
        steps = self.resolution.path(action.path)
        if action.value is None:
            return action.section, steps, None
        if isinstance(action.value, Sum):
            return action.section, steps, self._sum(action.value)
        if action.section != "SET":
            self._check_operand(action.section, action.value)
        return action.section, steps, self._required(action.value)

    def _check_operand(self, section: str, term: Term) -> None:
        assert isinstance(term, Operand)
        name, allowed, parameter = term.name, _ALLOWED[section], self.resolution.parameter

        def check(values: Values) -> None:
            kind = next(iter(values[name]))
            if kind not in allowed:
                what = f"operator: {section}, operand type: {TYPE_NAMES[kind]}, typeSet: ALLOWED_FOR_{section}_OPERAND"
                raise invalid(parameter, f"Incorrect operand type for operator or function; {what}")

        self.resolution.check(check)

    def _required(self, term: Term, within: str = "") -> Getter:
        """The term's value; a path that leads nowhere is refused."""
        get = self._term(term, within)
        if not isinstance(term, Path):
            return get

        def required(item: Item, values: Values) -> Value:
            value = get(item, values)
            if value is None:
                raise missing_attribute()
            return value

        return required

    def _term(self, term: Term, within: str) -> Getter:
        if isinstance(term, Operand):
            name = self.resolution.operand(term)
            return lambda _item, values: values[name]
        if isinstance(term, Path):
            steps = self.resolution.path(term)
            return lambda item, _values: value_at(item, steps)
        return self._function(term, within)

    def _sum(self, node: Sum) -> Getter:
        left, right = self._required(node.left, node.operator), self._required(node.right, node.operator)
        compute = numbers.add if node.operator == "+" else numbers.subtract
        for term in (node.left, node.right):
            self.resolution.check_kind(node.operator, term, frozenset("N"))

        def total(item: Item, values: Values) -> Value:
            a, b = left(item, values), right(item, values)
            if a is None or b is None or "N" not in a or "N" not in b:
                raise wrong_operand()
            return {"N": compute(a["N"], b["N"])}

        return total

    def _function(self, call: Call, within: str) -> Getter:
        resolution, name = self.resolution, call.function
        if name in CONDITIONS_FUNCTIONS:
            resolution.complain("function", f"The function is not allowed in an update expression; function: {name}")
        elif name not in ARITIES:
            resolution.complain("function", f"Invalid function name; function: {name}")
        elif within and name == "list_append":
            resolution.complain("misuse", f"The function is not allowed to be used this way in an expression; function: {name}")
        operands = [
            self._term(operand, name) if name == "if_not_exists" and at == 0 else self._required(operand, name)
            for at, operand in enumerate(call.operands)
        ]
        if name not in ARITIES or not resolution.check_arity(call, ARITIES[name]):
            return _never
        if name == "if_not_exists":
            return self._if_not_exists(call.operands[0], operands)
        return self._list_append(call.operands, operands)

    def _if_not_exists(self, first: Term, operands: list[Getter]) -> Getter:
        if not isinstance(first, Path):
            self.resolution.complain("path", "Operator or function requires a document path; operator or function: if_not_exists")
        existing, otherwise = operands

        def if_not_exists(item: Item, values: Values) -> Value | None:
            value = existing(item, values)
            return otherwise(item, values) if value is None else value

        return if_not_exists

    def _list_append(self, terms: tuple[Term, ...], operands: list[Getter]) -> Getter:
        for term in terms:
            self.resolution.check_kind("list_append", term, frozenset("L"))
        left, right = operands

        def list_append(item: Item, values: Values) -> Value:
            a, b = left(item, values), right(item, values)
            if a is None or b is None or "L" not in a or "L" not in b:
                raise wrong_operand()
            return {"L": a["L"] + b["L"]}

        return list_append


def _never(_item: Item, _values: Values) -> Value:
    raise AssertionError("a function that is not one of an update's is complained about before")
