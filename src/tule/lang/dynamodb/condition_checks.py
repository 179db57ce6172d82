"""What is wrong with a condition's functions and operands."""

from __future__ import annotations

from collections.abc import Mapping

from tule.lang.dynamodb import paths
from tule.lang.dynamodb.resolution import Resolution, Values, wrong_type
from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Not, Operand, Or, Path, Term
from tule.lang.dynamodb.tokens import invalid
from tule.lang.dynamodb.values import KINDS, ORDERED, compare, shown

ARITIES = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1}
OTHERS_FUNCTIONS = frozenset(("if_not_exists", "list_append"))
EXPRESSION_NAMES = {
    "ConditionExpression": "a condition",
    "FilterExpression": "a filter",
    "KeyConditionExpression": "a key condition",
}
VALID_TYPES = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"

_TEXTS = frozenset(("S", "B"))
_CONTAINERS = frozenset(("S", "B", "SS", "NS", "BS", "L"))
_SIZED = KINDS - {"N", "BOOL", "NULL"}


class ConditionChecks:
    """Walks a tree from left to right; what it finds is in `resolution`."""

    def __init__(self, parameter: str, names: Mapping[str, str]) -> None:
        self.resolution = Resolution(parameter, names)

    def condition(self, node: Node) -> None:
        if isinstance(node, (And, Or)):
            for part in node.parts:
                self.condition(part)
        elif isinstance(node, Not):
            self.condition(node.part)
        elif isinstance(node, Comparison):
            self._comparison(node)
        elif isinstance(node, Between):
            self._between(node)
        elif isinstance(node, In):
            self._terms((node.operand, *node.options))
            self._distinct("IN", (node.operand, *node.options))
        else:
            self._function(node, is_condition=True)

    def _comparison(self, node: Comparison) -> None:
        operands = (node.left, node.right)
        self._terms(operands)
        self._distinct(node.operator, operands)
        if node.operator not in ("=", "<>"):
            for operand in operands:
                self.resolution.check_kind(node.operator, operand, ORDERED)

    def _between(self, node: Between) -> None:
        operands = (node.operand, node.lower, node.upper)
        self._terms(operands)
        self._distinct("BETWEEN", operands)
        for operand in operands:
            self.resolution.check_kind("BETWEEN", operand, ORDERED)
        if isinstance(node.lower, Operand) and isinstance(node.upper, Operand):
            self._bounds(node.lower.name, node.upper.name)

    def _bounds(self, lower: str, upper: str) -> None:
        parameter = self.resolution.parameter

        def check(values: Values) -> None:
            low, high = values[lower], values[upper]
            order = compare(low, high)
            bounds = f"lower bound operand: {shown(low)}, upper bound operand: {shown(high)}"
            if order is None:
                raise invalid(parameter, f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}")
            if order > 0:
                what = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
                raise invalid(parameter, f"{what}; {bounds}")

        self.resolution.check(check)

    def _terms(self, terms: tuple[Term, ...]) -> None:
        for term in terms:
            if isinstance(term, Path):
                self.resolution.path(term)
            elif isinstance(term, Operand):
                self.resolution.operand(term)
            else:
                self._function(term, is_condition=False)

    def _function(self, call: Call, *, is_condition: bool) -> None:
        resolution, name = self.resolution, call.function
        if name in OTHERS_FUNCTIONS:
            kind = EXPRESSION_NAMES.get(resolution.parameter, "a condition")
            resolution.complain("function", f"The function is not allowed in {kind} expression; function: {name}")
        elif name not in ARITIES:
            resolution.complain("function", f"Invalid function name; function: {name}")
        elif (name == "size") == is_condition:
            resolution.complain("misuse", f"The function is not allowed to be used this way in an expression; function: {name}")
        self._terms(call.operands)
        if name in ARITIES and resolution.check_arity(call, ARITIES[name]):
            self._operands(name, call.operands)

    def _operands(self, name: str, operands: tuple[Term, ...]) -> None:
        resolution = self.resolution
        if name.startswith("attribute_") and name.endswith("exists"):
            if not isinstance(operands[0], Path):
                resolution.complain("path", f"Operator or function requires a document path; operator or function: {name}")
        elif name == "size":
            self._size(operands[0])
        elif name == "attribute_type":
            self._attribute_type(operands[1])
        else:
            self._distinct(name, operands)
            resolution.check_kind(name, operands[0], _TEXTS if name == "begins_with" else _CONTAINERS)
            if name == "begins_with":
                resolution.check_kind(name, operands[1], _TEXTS)

    def _size(self, operand: Term) -> None:
        if isinstance(operand, Call) and operand.function == "size":
            self.resolution.complain("type", wrong_type("size", "N"))
        self.resolution.check_kind("size", operand, _SIZED)

    def _attribute_type(self, operand: Term) -> None:
        resolution = self.resolution
        if not isinstance(operand, Operand):
            resolution.complain("type", wrong_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"))
            return
        resolution.check_kind("attribute_type", operand, frozenset("S"))
        name, parameter = operand.name, resolution.parameter

        def check(values: Values) -> None:
            kind = values[name].get("S")
            if kind not in KINDS:
                raise invalid(parameter, f"Invalid attribute type name found; type: {kind}, valid types: {VALID_TYPES}")

        resolution.check(check)

    def _distinct(self, operator: str, operands: tuple[Term, ...]) -> None:
        first = operands[0]
        if not isinstance(first, Path):
            return
        steps = self.resolution.path(first)
        if any(isinstance(other, Path) and self.resolution.path(other) == steps for other in operands[1:]):
            what = "The first operand must be distinct from the remaining operands for this operator or function"
            self.resolution.complain("distinct", f"{what}; operator: {operator}, first operand: {paths.shown(steps)}")
