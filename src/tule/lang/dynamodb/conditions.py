"""Conditions and filters: compiled once by text and names, then asked of items.

AWS: Developer Guide, "Condition and filter expressions, operators, and functions".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tule.lang.dynamodb import comparing
from tule.lang.dynamodb.comparing import Predicate
from tule.lang.dynamodb.condition_checks import ConditionChecks
from tule.lang.dynamodb.condition_parser import parse
from tule.lang.dynamodb.paths import value_at
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.resolution import Checked, Values
from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Not, Operand, Or, Path, Term
from tule.lang.dynamodb.values import Item, Value

_NOTHING: Item = {}

Test = Callable[[Item, Values], bool]
Getter = Callable[[Item, Values], Value | None]


class Condition:
    """A condition with its values.  `attributes` are the top-level attributes that it looks at."""

    __slots__ = ("_test", "_values", "attributes")

    def __init__(self, test: Test, values: Values, attributes: frozenset[str]) -> None:
        self._test = test
        self._values = values
        self.attributes = attributes

    def matches(self, item: Item | None) -> bool:
        """Whether it holds for the item; None is an item that does not exist."""
        return self._test(_NOTHING if item is None else item, self._values)


def condition(parameter: str, text: str, placeholders: Placeholders) -> Condition:
    """The condition of this text; `parameter` (`ConditionExpression`, `FilterExpression`) is named in refusals."""
    test, checked = _compiled(parameter, text, placeholders.key)
    checked.check(placeholders)
    return Condition(test, placeholders.values, checked.attributes)


def of_tree(parameter: str, node: Node, placeholders: Placeholders) -> Condition:
    """The condition of a tree that another language was parsed into."""
    test, checked = _compiled_tree(parameter, node, False, placeholders.key)
    checked.check(placeholders)
    return Condition(test, placeholders.values, checked.attributes)


@lru_cache(maxsize=2048)
def _compiled(parameter: str, text: str, names: tuple[tuple[str, str], ...]) -> tuple[Test, Checked]:
    return _compiled_tree.__wrapped__(parameter, *parse(parameter, text), names)


@lru_cache(maxsize=512)
def _compiled_tree(parameter: str, node: Node, redundant: bool, names: tuple[tuple[str, str], ...]) -> tuple[Test, Checked]:
    checks = ConditionChecks(parameter, dict(names))
    if redundant:
        checks.resolution.complain("parentheses", "The expression has redundant parentheses;")
    checks.condition(node)
    checked = checks.resolution.finished()
    return _Compiler(checks).condition(node), checked


class _Compiler:
    def __init__(self, checks: ConditionChecks) -> None:
        self._checks = checks

    def condition(self, node: Node) -> Test:
        if isinstance(node, (And, Or)):
            return _joined([self.condition(part) for part in node.parts], isinstance(node, And))
        if isinstance(node, Not):
            return _negated(self.condition(node.part))
        if isinstance(node, Comparison):
            return _both(self.term(node.left), self.term(node.right), comparing.COMPARATORS[node.operator])
        if isinstance(node, Between):
            return _between(self.term(node.operand), self.term(node.lower), self.term(node.upper))
        if isinstance(node, In):
            return _in(self.term(node.operand), [self.term(option) for option in node.options])
        return self._function(node)

    def term(self, term: Term) -> Getter:
        if isinstance(term, Operand):
            name = term.name
            return lambda _item, values: values[name]
        if isinstance(term, Path):
            return _at(self._checks.resolution.path(term))
        operands = list(term.operands)
        return _size_of(self.term(operands[0])) if operands else _nothing

    def _function(self, call: Call) -> Test:
        operands = [self.term(operand) for operand in call.operands]
        if len(operands) == 2 and call.function in comparing.FUNCTIONS:
            return _both(operands[0], operands[1], comparing.FUNCTIONS[call.function])
        first = operands[0] if operands else _nothing
        if call.function == "attribute_exists":
            return lambda item, values: first(item, values) is not None
        if call.function == "attribute_not_exists":
            return lambda item, values: first(item, values) is None
        return lambda _item, _values: False  # refused by the checks, whatever the values are


def _at(steps: tuple[str | int, ...]) -> Getter:
    first, *below = steps
    if below:
        return lambda item, _values: value_at(item, steps)
    name = str(first)
    return lambda item, _values: item.get(name)


def _nothing(_item: Item, _values: Values) -> Value | None:
    return None


def _size_of(get: Getter) -> Getter:
    def size(item: Item, values: Values) -> Value | None:
        value = get(item, values)
        return None if value is None else comparing.length(value)

    return size


def _both(left: Getter, right: Getter, predicate: Predicate) -> Test:
    return lambda item, values: predicate(left(item, values), right(item, values))


def _between(operand: Getter, lower: Getter, upper: Getter) -> Test:
    at_least, at_most = comparing.COMPARATORS[">="], comparing.COMPARATORS["<="]

    def between(item: Item, values: Values) -> bool:
        value = operand(item, values)
        return at_least(value, lower(item, values)) and at_most(value, upper(item, values))

    return between


def _in(operand: Getter, options: list[Getter]) -> Test:
    equals = comparing.COMPARATORS["="]

    def is_in(item: Item, values: Values) -> bool:
        value = operand(item, values)
        return any(equals(value, option(item, values)) for option in options)

    return is_in


def _negated(test: Test) -> Test:
    return lambda item, values: not test(item, values)


def _joined(tests: list[Test], every: bool) -> Test:
    if every:
        return lambda item, values: all(test(item, values) for test in tests)
    return lambda item, values: any(test(item, values) for test in tests)
