"""A statement with its parameters: values, conditions, updates, and which key it names.

Conditions are those of `lang/dynamodb`; refusals name no parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import validation
from tule.lang.dynamodb import conditions, updates
from tule.lang.dynamodb import values as attribute_values
from tule.lang.dynamodb.conditions import Condition
from tule.lang.dynamodb.key_conditions import KeyConditions, OnAttribute
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Operand, Or, Path, Term
from tule.lang.dynamodb.values import SETS, Item, Value
from tule.lang.partiql.syntax import Bag, Constant, Delete, Exists, Literal, Parameter, Select, Statement, Structure, Update

MOST_KEYS = 50  # partition keys that IN may list
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SET_OF = {kind: of for of, kind in SETS.items()}


class Bound:
    """`where` is the whole clause as a condition, or None."""

    def __init__(self, statement: Statement, parameters: Sequence[Any] | None) -> None:
        given = [attribute_values.check(one) for one in parameters or ()]
        if len(given) != statement.wording.parameters:
            raise validation("Number of parameters in request and statement don't match.")
        self.statement = statement
        self._parameters = given
        values = {name: self.value(literal) for name, literal in statement.wording.values.items()}
        self.placeholders = Placeholders(statement.wording.names, values)
        self._tree = _where(statement)
        self.where: Condition | None = None if self._tree is None else conditions.of_tree("", self._tree, self.placeholders)

    def update(self) -> updates.Update:
        """The actions of an UPDATE."""
        assert isinstance(self.statement, Update)
        return updates.of_actions(self.statement.actions, self.placeholders)

    def value(self, literal: Literal) -> Value:
        """A literal as an attribute value."""
        if isinstance(literal, Parameter):
            return self._parameters[literal.number]
        if isinstance(literal, Constant):
            return literal.value
        if isinstance(literal, Structure):
            return {"M": {name: self.value(member) for name, member in literal.members.items()}}
        elements = [self.value(element) for element in literal.elements]
        return attribute_values.check(_set(elements)) if isinstance(literal, Bag) else {"L": elements}

    def key(self, names: Sequence[str]) -> Item:
        """The key that the clause names by equalities; refuses a clause that leaves one out."""
        equalities = self._equalities()
        if any(name not in equalities for name in names):
            raise validation("Where clause does not contain a mandatory equality on all key attributes")
        return {name: equalities[name] for name in names}

    def names_only(self, names: Sequence[str]) -> bool:
        """Whether the clause is nothing but equalities on these attributes."""
        parts = _parts(self._tree)
        return len(parts) == len(names) and all(self._equality(part) is not None for part in parts)

    def key_conditions(self, hash_names: Sequence[str], range_names: Sequence[str]) -> list[KeyConditions]:
        """What to look up, one for each partition key; empty when everything has to be scanned."""
        equalities = self._equalities()
        if all(name in equalities for name in hash_names):
            choices = [{name: equalities[name] for name in hash_names}]
        elif len(hash_names) == 1:
            choices = [{hash_names[0]: value} for value in self._choices(hash_names[0])]
        else:
            return []
        ranges = self._ranges(range_names)
        return [KeyConditions((*(OnAttribute(name, "=", (value,)) for name, value in one.items()), *ranges)) for one in choices]

    def _ranges(self, names: Sequence[str]) -> list[OnAttribute]:
        found: list[OnAttribute] = []
        for name in names:
            conditions_on_it = [one for one in map(self._range, _parts(self._tree)) if one is not None and one.attribute == name]
            if not conditions_on_it:
                break
            found.append(conditions_on_it[0])
            if conditions_on_it[0].operator != "=":
                break
        return found

    def _equalities(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for part in _parts(self._tree):
            equality = self._equality(part)
            if equality is not None:
                found.setdefault(*equality)
        return found

    def _equality(self, node: Node) -> tuple[str, Value] | None:
        condition = self._range(node)
        if condition is None or condition.operator != "=":
            return None
        (value,) = condition.values
        return condition.attribute, value

    def _choices(self, name: str) -> list[Value]:
        """Values that IN or OR offer for an attribute, each once."""
        for part in _parts(self._tree):
            offered = self._offered(part, name)
            if offered is None:
                continue
            if len(offered) > MOST_KEYS:
                raise validation(f"The IN clause on the partition key takes at most {MOST_KEYS} values")
            unique: list[Value] = []
            for value in offered:
                if value not in unique:
                    unique.append(value)
            return unique
        return []

    def _offered(self, node: Node, name: str) -> list[Value] | None:
        if isinstance(node, In) and self._name(node.operand) == name:
            values = [self._value(option) for option in node.options]
            return None if None in values else [value for value in values if value is not None]
        if isinstance(node, Or):
            found = [self._value_in(part, name) for part in node.parts]
            return None if None in found else [value for value in found if value is not None]
        return None

    def _value_in(self, node: Node, name: str) -> Value | None:
        """What a conjunction says that an attribute equals."""
        equalities = [self._equality(part) for part in _parts(node)]
        return next((equality[1] for equality in equalities if equality is not None and equality[0] == name), None)

    def _range(self, node: Node) -> OnAttribute | None:
        """A condition that a key can be looked up by."""
        if isinstance(node, Comparison) and node.operator in _MIRRORED:
            if isinstance(node.left, Operand):
                return self._on(node.right, _MIRRORED[node.operator], (node.left,))
            return self._on(node.left, node.operator, (node.right,))
        if isinstance(node, Between):
            return self._on(node.operand, "BETWEEN", (node.lower, node.upper))
        if isinstance(node, Call) and node.function == "begins_with":
            operands = list(node.operands)
            return self._on(operands[0], "begins_with", operands[1:])
        return None

    def _on(self, term: Term, operator: str, operands: Sequence[Term]) -> OnAttribute | None:
        name = self._name(term)
        values = tuple(value for value in map(self._value, operands) if value is not None)
        return OnAttribute(name, operator, values) if name is not None and len(values) == len(operands) else None

    def _name(self, term: Term) -> str | None:
        if not isinstance(term, Path):
            return None
        first, *below = term.steps
        return None if below else self.statement.wording.names[str(first)]

    def _value(self, term: Term) -> Value | None:
        return self.placeholders.values[term.name] if isinstance(term, Operand) else None


def _where(statement: Statement) -> Node | None:
    if isinstance(statement, Exists):
        return statement.select.where
    return statement.where if isinstance(statement, (Select, Update, Delete)) else None


def _parts(node: Node | None) -> Sequence[Node]:
    if node is None:
        return ()
    return node.parts if isinstance(node, And) else (node,)


def _set(elements: Sequence[Value]) -> Mapping[str, Any]:
    kinds = {next(iter(element)) for element in elements}
    kind = next(iter(kinds), "")
    if len(kinds) != 1 or kind not in _SET_OF:
        raise validation("A set takes one or more strings, numbers or binaries, all of one type")
    return {_SET_OF[kind]: [element[kind] for element in elements]}
