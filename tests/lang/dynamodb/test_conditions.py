"""Conditions, against a walk through the tree in Python, and what DynamoDB says of wrong ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, values
from tule.lang.dynamodb.conditions import condition
from tule.lang.dynamodb.placeholders import Placeholders

from . import drawn

VALUES: dict[str, Any] = {
    ":n": {"N": "3"},
    ":m": {"N": "5"},
    ":s": {"S": "b"},
    ":z": {"B": "AA=="},
    ":l": {"L": [{"N": "1"}]},
    ":t": {"S": "N"},
    ":ss": {"SS": ["a"]},
    ":bool": {"BOOL": True},
}


def asked(text: str, given: dict[str, Any] | None = None, names: dict[str, str] | None = None, parameter: str = "ConditionExpression") -> Any:
    return condition(parameter, text, Placeholders(names, given or VALUES))


# A tree is drawn, written as an expression with no more parentheses than needed, and judged by itself.


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> tuple[Any, ...]:
    kind = draw(st.sampled_from(["compare", "exists", "between", "in", "begins", "contains", "and", "or", "not"] if depth else ["compare", "exists"]))
    if kind in ("and", "or"):
        return kind, [draw(trees(depth=depth - 1)) for _ in range(draw(st.integers(2, 3)))]
    if kind == "not":
        return kind, draw(trees(depth=depth - 1))
    path = draw(drawn.paths())
    if kind == "compare":
        return kind, path, draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="])), draw(st.sampled_from([":n", ":s", ":z"]))
    if kind == "exists":
        return kind, path, draw(st.booleans())
    if kind == "in":
        return kind, path, draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
    return (kind, path) if kind == "between" else (kind, path, draw(st.sampled_from([":s", ":z"])))


BINDS = {"or": 1, "and": 2, "not": 3}


def text_of(tree: tuple[Any, ...], outer: int = 0) -> str:
    kind = tree[0]
    binds = BINDS.get(kind, 4)
    if kind in ("and", "or"):
        text = f" {kind.upper()} ".join(text_of(part, binds + 1) for part in tree[1])
    elif kind == "not":
        text = f"NOT {text_of(tree[1], binds)}"
    else:
        text = _leaf(tree)
    return f"({text})" if binds < outer else text


def _leaf(tree: tuple[Any, ...]) -> str:
    kind, path = tree[0], drawn.written(tree[1])
    match kind:
        case "compare":
            return f"{path} {tree[2]} {tree[3]}"
        case "exists":
            return f"attribute_{'' if tree[2] else 'not_'}exists({path})"
        case "between":
            return f"{path} BETWEEN :n AND :m"
        case "in":
            return f"{path} IN ({', '.join(tree[2])})"
        case _:
            return f"{ {'begins': 'begins_with', 'contains': 'contains'}[kind] }({path}, {tree[2]})"


def found(item: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    value: Any = item.get(str(path[0]))
    for step in path[1:]:
        inner = None if value is None else value.get("L" if isinstance(step, int) else "M")
        members = dict(enumerate(inner)) if isinstance(inner, list) else inner or {}
        value = members.get(step)
    return value


def plain(value: dict[str, Any]) -> Any:
    kind, inner = next(iter(value.items()))
    if kind == "N":
        return kind, Decimal(inner)
    if kind == "L":
        return kind, [plain(one) for one in inner]
    if kind == "M":
        return kind, {name: plain(one) for name, one in inner.items()}
    if kind in values.SETS:
        return kind, {plain({values.SETS[kind]: one}) for one in inner}
    return kind, values.binary(inner) if kind == "B" else inner


def holds(tree: tuple[Any, ...], item: dict[str, Any]) -> bool:
    kind = tree[0]
    if kind == "and":
        return all(holds(part, item) for part in tree[1])
    if kind == "or":
        return any(holds(part, item) for part in tree[1])
    if kind == "not":
        return not holds(tree[1], item)
    value = found(item, tree[1])
    if kind == "exists":
        return (value is not None) == tree[2]
    if kind == "compare" and tree[2] == "<>":
        return value is None or plain(value) != plain(VALUES[tree[3]])
    return value is not None and _judged(tree, plain(value))


def _judged(tree: tuple[Any, ...], value: Any) -> bool:
    kind = tree[0]
    if kind == "in":
        return any(value == plain(VALUES[name]) for name in tree[2])
    if kind == "between":
        return value[0] == "N" and 3 <= value[1] <= 5
    other = plain(VALUES[tree[-1]])
    if kind == "begins":
        return value[0] == other[0] and value[1].startswith(other[1])
    if kind == "contains":
        return _contains(value, other)
    if tree[2] == "=":
        return value == other
    return (
        value[0] == other[0]
        and {
            "<": value[1] < other[1],
            "<=": value[1] <= other[1],
            ">": value[1] > other[1],
            ">=": value[1] >= other[1],
        }[tree[2]]
    )


def _contains(value: Any, other: Any) -> bool:
    if value[0] in ("L", "SS", "NS", "BS"):
        return other in value[1]
    return value[0] == other[0] and other[1] in value[1]


@given(trees(), drawn.items())
def test_a_condition_says_of_an_item_what_its_tree_says(tree: tuple[Any, ...], item: dict[str, Any]) -> None:
    item = values.check_item(item)
    assert asked(text_of(tree)).matches(item) == holds(tree, item)


def test_a_missing_item_has_no_attributes() -> None:
    assert asked("attribute_not_exists(a)").matches(None)
    assert not asked("a = :n").matches(None)
    assert asked("a <> :n").matches(None)
    assert not asked("a = b").matches(None)


@pytest.mark.parametrize(
    ("kind", "size"),
    [({"S": "abc"}, "3"), ({"B": "AAAA"}, "3"), ({"SS": ["a", "b", "c"]}, "3"), ({"L": [{"S": ""}] * 3}, "3"), ({"N": "333"}, None)],
)
def test_size_counts_what_a_value_holds(kind: dict[str, Any], size: str | None) -> None:
    assert asked("size(a) = :n").matches({"a": kind}) is (size == "3")


def test_names_stand_for_any_attribute() -> None:
    assert asked("#x.#y = :n", names={"#x": "a.b", "#y": "size"}).matches({"a.b": {"M": {"size": {"N": "3"}}}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("a = :n b", 'Syntax error; token: "b", near: ":n b"'),
        ("a IN ()", 'Syntax error; token: ")", near: "()"'),
        ("_a = :n", 'Syntax error; token: "_", near: "_a"'),
        ("a == :n", 'Syntax error; token: "=", near: "== :n"'),
        ("((a = :n))", "The expression has redundant parentheses;"),
        ("dog(a) = :n", "Invalid function name; function: dog"),
        ("if_not_exists(a, :n) = :n", "The function is not allowed in a condition expression; function: if_not_exists"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        ("contains(a, :n) = :n", "The function is not allowed to be used this way in an expression; function: contains"),
        ("abort = :n", "Attribute name is a reserved keyword; reserved keyword: abort"),
        ("a.Name = :n", "Attribute name is a reserved keyword; reserved keyword: Name"),
        ("#x = :n", "An expression attribute name used in the document path is not defined; attribute name: #x"),
        ("a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
        ("size(a, b) = :n", "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2"),
        ("attribute_exists(:n)", "Operator or function requires a document path; operator or function: attribute_exists"),
        (
            "a.b[0] = a.b[0]",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a, b, [0]]",
        ),
        ("a < :l", "Incorrect operand type for operator or function; operator or function: <, operand type: L"),
        ("begins_with(a, :n)", "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
        ("size(:n) = :n", "Incorrect operand type for operator or function; operator or function: size, operand type: N"),
        ("attribute_type(a, :s)", "Invalid attribute type name found; type: b, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        (
            "a BETWEEN :m AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:3}",
        ),
        (
            "a BETWEEN :n AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {N:3}, upper bound operand: AttributeValue: {S:b}",
        ),
        (" OR ".join(["a = :n"] * 151), "The expression contains too many operators; operator count: 301"),
        ("a = :n" + " " * 4096, "Expression size has exceeded the maximum allowed size; expression size: 4102"),
        ("a[2147483648] = :n", "List index is not within the allowable range; index: [2147483648]"),
        ("NOT " * 301 + "a = :n", "The expression contains too many operators; operator count: 301"),
    ],
)
def test_a_wrong_condition_is_refused_in_dynamodbs_words(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        asked(text)
    assert refused.value.message == f"Invalid ConditionExpression: {message}"


@pytest.mark.parametrize("text", ["(" * 2000 + "a = :n" + ")" * 2000, "(" * 4000, "a < " + "f(" * 1300 + "b" + ")" * 1300])
def test_no_expression_is_too_deep_to_be_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="Invalid ConditionExpression: "):
        asked(text)


def test_as_many_levels_as_operators_allow_are_judged() -> None:
    assert asked("a < b " + "OR (a < b " * 149 + ")" * 149).matches({"a": {"N": "1"}, "b": {"N": "2"}})


# Placeholders, and the parameters that came before expressions.


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ExpressionAttributeNames": {"#a": "b"}}, "ExpressionAttributeNames can only be specified when using expressions"),
        (
            {"ExpressionAttributeValues": {":a": {"S": ""}}},
            "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
        ),
        ({"ConditionExpression": "a = :a", "ExpressionAttributeValues": {}}, "ExpressionAttributeValues must not be empty"),
        ({"ConditionExpression": "a = :a", "ExpressionAttributeNames": {}}, "ExpressionAttributeNames must not be empty"),
        (
            {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {"a": {"S": ""}}},
            'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"',
        ),
        (
            {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"N": "x"}}},
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a",
        ),
        (
            {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": ""}, ":b": {"S": ""}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        (
            {"ConditionExpression": "attribute_exists(a)", "ExpressionAttributeNames": {"#a": "a"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
        ),
        (
            {"ConditionExpression": "attribute_exists(a)", "Expected": {}},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        ({"ConditionalOperator": "OR"}, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            {"Expected": {"a": {"ComparisonOperator": "EQ", "AttributeValueList": []}}},
            "One or more parameter values were invalid: Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            {"Expected": {"a": {"ComparisonOperator": "LT", "AttributeValueList": [{"SS": ["a"]}]}}},
            "One or more parameter values were invalid: ComparisonOperator LT is not valid for SS AttributeValue type",
        ),
        (
            {"Expected": {"a": {"Exists": True}}},
            "One or more parameter values were invalid: Value must be provided when Exists is true for Attribute: a",
        ),
        (
            {"Expected": {"a": {"Exists": False, "Value": {"S": ""}}}},
            "One or more parameter values were invalid: Value cannot be used when Exists is set to false for Attribute: a",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_dynamodbs_words(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        clauses.written(params)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("operator", "operands", "yes", "no"),
    [
        ("EQ", [{"N": "1.0"}], {"N": "1"}, {"S": "1"}),
        ("NE", [{"N": "1"}], None, {"N": "1"}),
        ("LE", [{"S": "b"}], {"S": "b"}, {"S": "c"}),
        ("BETWEEN", [{"N": "1"}, {"N": "3"}], {"N": "2"}, {"N": "4"}),
        ("IN", [{"N": "1"}, {"N": "3"}], {"N": "3"}, {"N": "2"}),
        ("BEGINS_WITH", [{"S": "ab"}], {"S": "abc"}, {"N": "1"}),
        ("CONTAINS", [{"S": "b"}], {"SS": ["a", "b"]}, None),
        ("NOT_CONTAINS", [{"S": "b"}], {"S": "aa"}, None),
        ("NULL", [], None, {"NULL": True}),
        ("NOT_NULL", [], {"NULL": True}, None),
    ],
)
def test_expected_compares_as_it_always_did(operator: str, operands: list[Any], yes: Any, no: Any) -> None:
    found = clauses.written({"Expected": {"a": {"ComparisonOperator": operator, "AttributeValueList": operands}}})
    assert found is not None
    assert found.matches({} if yes is None else {"a": yes})
    assert not found.matches({} if no is None else {"a": no})
