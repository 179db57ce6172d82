"""Key conditions: which hash value, and which part of its items in range order.

AWS: Developer Guide, "Key condition expressions for the Query operation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb.condition_checks import ConditionChecks
from tule.lang.dynamodb.condition_parser import parse
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.resolution import Checked
from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, Node, Operand, Path, Term
from tule.lang.dynamodb.values import Value

PARAMETER = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class OnAttribute(NamedTuple):
    """`operator` (`=`, `<`, `<=`, `>`, `>=`, `BETWEEN`, `begins_with`) and the values that it takes."""

    attribute: str
    operator: str
    values: tuple[Value, ...]


class KeyCondition(NamedTuple):
    """What to look for: a value for each hash attribute, and conditions on the first range attributes, all but the last `=`."""

    hash: tuple[Value, ...]
    range: tuple[OnAttribute, ...]


class KeyConditions(NamedTuple):
    """Conditions on attributes as a request gives them, before the table's key is known."""

    conditions: tuple[OnAttribute, ...]
    legacy: bool = False

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that are named."""
        return frozenset(one.attribute for one in self.conditions)

    def on(self, hash_names: Sequence[str], range_names: Sequence[str], types: Mapping[str, str]) -> KeyCondition:
        """Fit the conditions to a table's or an index's key; raises what DynamoDB says of those that do not fit."""
        by_name = {one.attribute: one for one in self.conditions}
        is_composite = len(hash_names) > 1 or len(range_names) > 1
        self._check_count(hash_names, range_names)
        for name in hash_names:
            if name not in by_name:
                raise _hash_equality(name) if is_composite else missed(name)
        for name in hash_names:
            if by_name[name].operator != "=":
                raise _hash_equality(name) if is_composite else validation("Query key condition not supported")
        others = [one.attribute for one in self.conditions if one.attribute not in hash_names]
        chosen = _composite_ranges(by_name, others, range_names) if is_composite else _ranges(by_name, others, range_names)
        for name in (*hash_names, *(one.attribute for one in chosen)):
            self._check_values(by_name[name], types[name])
        return KeyCondition(tuple(by_name[name].values[0] for name in hash_names), chosen)

    def _check_count(self, hash_names: Sequence[str], range_names: Sequence[str]) -> None:
        count, limit = len(self.conditions), len(hash_names) + len(range_names)
        if self.legacy and count > 2 >= limit:
            raise validation("Conditions can be of length 1 or 2 only")
        if count > max(limit, 2):
            raise validation(f"The number of query conditions ({count}) exceeds the number of key attributes defined in the schema ({limit})")

    def _check_values(self, condition: OnAttribute, kind: str) -> None:
        if condition.operator == "begins_with" and kind == "N" and self.legacy:
            raise validation("One or more parameter values were invalid: ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type")
        for value in condition.values:
            if kind not in value:
                raise validation("One or more parameter values were invalid: Condition parameter type does not match schema type")
            if value[kind] == "":
                what = f"The AttributeValue for a key attribute cannot contain an empty {'string' if kind == 'S' else 'binary'} value"
                raise validation(f"One or more parameter values are not valid. {what}. Key: {condition.attribute}")


def _ranges(by_name: Mapping[str, OnAttribute], others: Sequence[str], range_names: Sequence[str]) -> tuple[OnAttribute, ...]:
    """The condition on the one range attribute, if there is one."""
    if not others:
        return ()
    if not range_names:
        raise validation("Query key condition not supported")
    for name in range_names:
        if name not in by_name:
            raise missed(name)
    return tuple(by_name[name] for name in range_names)


def _composite_ranges(by_name: Mapping[str, OnAttribute], others: Sequence[str], range_names: Sequence[str]) -> tuple[OnAttribute, ...]:
    """Conditions on the first of several range attributes, all but the last of them equalities."""
    named = [name for name in range_names if name in by_name]
    if len(named) < len(others):
        raise validation("Query key condition not supported")
    before = range_names[: range_names.index(named[-1])] if named else ()
    lacking = [name for name in before if name not in by_name or by_name[name].operator != "="]
    if lacking:
        what = f"must have equality conditions specified in the query because a condition is present on key attribute {named[-1]}"
        raise validation(f"RANGE key attributes {', '.join(lacking)} {what}")
    return tuple(by_name[name] for name in named)


def _hash_equality(name: str) -> ServiceError:
    return validation(f"HASH key attributes {name} must have equality conditions specified in the query")


def missed(name: str) -> ServiceError:
    """The query says nothing of a part of the key that it must say something of."""
    return validation(f"Query condition missed key schema element: {name}")


def key_conditions(text: str, placeholders: Placeholders) -> KeyConditions:
    """The conditions of a KeyConditionExpression."""
    found, checked = _compiled(text, placeholders.key)
    checked.check(placeholders)
    values = placeholders.values
    return KeyConditions(tuple(OnAttribute(name, operator, tuple(values[one] for one in used)) for name, operator, used in found))


Bound = tuple[str, str, tuple[str, ...]]  # attribute, operator, names of values


@lru_cache(maxsize=2048)
def _compiled(text: str, names: tuple[tuple[str, str], ...]) -> tuple[tuple[Bound, ...], Checked]:
    node, redundant = parse(PARAMETER, text)
    checks = ConditionChecks(PARAMETER, dict(names))
    if redundant:
        checks.resolution.complain("parentheses", "The expression has redundant parentheses;")
    checks.condition(node)
    found = _bounds(node, checks)
    return found, checks.resolution.finished()


def _bounds(node: Node, checks: ConditionChecks) -> tuple[Bound, ...]:
    """The conditions, by attribute; what is no condition on a key is complained about."""
    found: dict[str, Bound] = {}
    for part in _parts(node):
        bound = _bound(part, checks)
        if bound is None:
            continue
        if bound[0] in found:
            checks.resolution.complain("misuse", "KeyConditionExpressions must only contain one condition per key")
        found[bound[0]] = bound
    return tuple(found.values())


def _parts(node: Node) -> list[Node]:
    if not isinstance(node, And):
        return [node]
    return [part for one in node.parts for part in _parts(one)]


def _bound(node: Node, checks: ConditionChecks) -> Bound | None:
    complain = checks.resolution.complain
    if isinstance(node, Comparison) and node.operator in _MIRRORED:
        if isinstance(node.left, Operand) and isinstance(node.right, Path):
            return _on(node.right, _MIRRORED[node.operator], (node.left,), checks)
        return _on(node.left, node.operator, (node.right,), checks)
    if isinstance(node, Between):
        return _on(node.operand, "BETWEEN", (node.lower, node.upper), checks)
    if isinstance(node, Call) and node.function == "begins_with" and len(node.operands) == 2:
        return _on(node.operands[0], "begins_with", node.operands[1:], checks)
    complain("misuse", f"Invalid operator used in KeyConditionExpression: {_operator(node)}")
    return None


def _on(term: Term, operator: str, operands: tuple[Term, ...], checks: ConditionChecks) -> Bound | None:
    complain = checks.resolution.complain
    if any(isinstance(one, Call) for one in (term, *operands)):
        complain("misuse", "KeyConditionExpressions cannot contain nested operations")
        return None
    if not isinstance(term, Path):
        complain("misuse", "Invalid condition in KeyConditionExpression: No key attribute specified")
        return None
    if any(isinstance(one, Path) for one in operands):
        complain("misuse", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
        return None
    if len(term.steps) > 1:
        complain("misuse", "KeyConditionExpressions cannot have conditions on nested attributes")
        return None
    name = str(checks.resolution.path(term)[0])
    return name, operator, tuple(one.name for one in operands if isinstance(one, Operand))


def _operator(node: Node) -> str:
    if isinstance(node, Comparison):
        return node.operator
    return node.function if isinstance(node, Call) else type(node).__name__.upper()
