"""Updates, against a model in Python, and what DynamoDB says of wrong ones."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, values
from tule.lang.dynamodb.updates import Update

from . import drawn

KEY = {"p": {"S": "k"}}


def update(text: str, given: dict[str, Any] | None = None, names: dict[str, str] | None = None) -> Update:
    params: dict[str, Any] = {"UpdateExpression": text}
    if given:
        params["ExpressionAttributeValues"] = given
    if names:
        params["ExpressionAttributeNames"] = names
    found, _ = clauses.updated(params)
    assert found is not None
    return found


def applied(item: dict[str, Any] | None, text: str, **given: Any) -> dict[str, Any]:
    values_given = {f":{name}": value for name, value in given.items()}
    return update(text, values_given).apply(item, KEY).item


@given(drawn.items(), st.lists(drawn.paths(), min_size=1, max_size=3), st.lists(drawn.paths(), max_size=3), drawn.values())
def test_sets_and_removals_are_those_of_the_model(
    item: dict[str, Any], written: list[tuple[str | int, ...]], removed: list[tuple[str | int, ...]], value: dict[str, Any]
) -> None:
    before = copy.deepcopy(values.check_item(item))
    text = "SET " + ", ".join(f"{drawn.written(path)} = :v" for path in written)
    if removed:
        text += " REMOVE " + ", ".join(map(drawn.written, removed))
    refusal, after = "", {}
    try:
        after = update(text, {":v": value}).apply(before, KEY).item
    except ServiceError as error:
        refusal = error.message
    if refusal:
        assert "overlap" in refusal or "conflict" in refusal or "document path" in refusal
        return
    assert before == values.check_item(item)  # the old item stays as it was
    assert after == modelled(before, written, removed, values.check(value))


def modelled(item: dict[str, Any], written: list[tuple[str | int, ...]], removed: list[tuple[str | int, ...]], value: Any) -> dict[str, Any]:
    """Everything is marked in place; appended and removed elements are sorted out at the end."""
    tree = {"M": copy.deepcopy(item)}
    for path in sorted(written, key=lambda path: [step if isinstance(step, int) else 0 for step in path]):
        parent = _parent(tree, path)
        if isinstance(path[-1], int) and path[-1] >= len(_originals(parent)):
            parent["L"].append(("appended", value))
        else:
            parent["L" if isinstance(path[-1], int) else "M"][path[-1]] = copy.deepcopy(value)
    for path in removed:
        parent = _parent(tree, path)
        if isinstance(path[-1], int):
            if path[-1] < len(_originals(parent)):
                parent["L"][path[-1]] = "removed"
        else:
            parent["M"].pop(path[-1], None)
    return _tidied(tree)["M"]


def _originals(parent: dict[str, Any]) -> list[Any]:
    return [one for one in parent["L"] if not (isinstance(one, tuple) and one[0] == "appended")]


def _parent(tree: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    value = tree
    for step in path[:-1]:
        value = value["L" if isinstance(step, int) else "M"][step]
    return value


def _tidied(value: Any) -> Any:
    if "M" in value:
        return {"M": {name: _tidied(one) for name, one in value["M"].items()}}
    if "L" in value:
        return {"L": [_tidied(one[1] if isinstance(one, tuple) else one) for one in value["L"] if one != "removed"]}
    return value


def test_values_are_computed_from_the_item_as_it_was() -> None:
    item = {"a": {"N": "1"}, "b": {"N": "2"}}
    assert applied(item, "SET a = b, b = a") == {"a": {"N": "2"}, "b": {"N": "1"}}
    assert applied(item, "SET c = a + :n REMOVE a", n={"N": "5"}) == {"b": {"N": "2"}, "c": {"N": "6"}}
    assert applied(item, "SET c = (a - :n)", n={"N": "5"}) == {**item, "c": {"N": "-4"}}
    assert applied(item, "SET c = if_not_exists(x, a) + :n", n={"N": "5"}) == {**item, "c": {"N": "6"}}


def test_lists_keep_their_positions_until_the_end() -> None:
    item = {"a": {"L": [{"N": str(n)} for n in range(4)]}}
    after = applied(item, "SET a[3] = :x, a[99] = :z, a[50] = :y REMOVE a[1]", x={"S": "x"}, y={"S": "y"}, z={"S": "z"})
    assert after["a"]["L"] == [{"N": "0"}, {"N": "2"}, {"S": "x"}, {"S": "y"}, {"S": "z"}]


def test_lists_are_joined() -> None:
    item = {"a": {"L": [{"S": "1"}]}}
    assert applied(item, "SET a = list_append(a, :x)", x={"L": [{"S": "2"}]})["a"]["L"] == [{"S": "1"}, {"S": "2"}]
    appended = applied(item, "SET b = list_append(if_not_exists(b, :e), :x)", x={"L": [{"S": "2"}]}, e={"L": []})
    assert appended["b"]["L"] == [{"S": "2"}]


def test_add_makes_what_is_not_there_and_delete_leaves_no_empty_set() -> None:
    assert applied(None, "ADD n :n, s :s", n={"N": "2"}, s={"SS": ["a"]}) == {**KEY, "n": {"N": "2"}, "s": {"SS": ["a"]}}
    item = {"n": {"N": "1"}, "s": {"SS": ["a", "b"]}}
    assert applied(item, "ADD n :n, s :s", n={"N": "2"}, s={"SS": ["b", "c"]}) == {"n": {"N": "3"}, "s": {"SS": ["a", "b", "c"]}}
    assert applied(item, "DELETE s :s", s={"SS": ["b", "c"]}) == {"n": {"N": "1"}, "s": {"SS": ["a"]}}
    assert applied(item, "DELETE s :s", s={"SS": ["b", "a"]}) == {"n": {"N": "1"}}


def test_numbers_of_sets_are_numbers() -> None:
    assert applied({"s": {"NS": ["1", "2"]}}, "ADD s :s", s={"NS": ["1.0", "3e0"]}) == {"s": {"NS": ["1", "2", "3"]}}


def test_what_was_written_can_be_shown_before_and_after() -> None:
    change = update("SET a.b = :v, l[1] = :v REMOVE c", {":v": {"S": "new"}})
    item = {"a": {"M": {"b": {"S": "old"}, "x": {"S": ""}}}, "l": {"L": [{"N": "0"}, {"N": "1"}]}, "c": {"S": "c"}, "d": {"S": "d"}}
    assert change.values_in(item) == {"a": {"M": {"b": {"S": "old"}}}, "l": {"L": [{"N": "1"}]}, "c": {"S": "c"}}
    assert change.values_in(change.apply(item, KEY).item) == {"a": {"M": {"b": {"S": "new"}}}, "l": {"L": [{"S": "new"}]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid UpdateExpression: The expression can not be empty;"),
        ("DO a = :n", 'Invalid UpdateExpression: Syntax error; token: "DO", near: "DO a"'),
        ("SET a = :n + :n + :n", 'Invalid UpdateExpression: Syntax error; token: "+", near: ":n + :n"'),
        ("SET a = :n SET b = :n", 'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
        ("SET a = dog(:n)", "Invalid UpdateExpression: Invalid function name; function: dog"),
        ("SET a = size(b)", "Invalid UpdateExpression: The function is not allowed in an update expression; function: size"),
        (
            "SET a = list_append(list_append(:l, :l), :l)",
            "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = if_not_exists(:n, :n)",
            "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = list_append(:l)",
            "Invalid UpdateExpression: Incorrect number of operands for operator or function; "
            "operator or function: list_append, number of operands: 1",
        ),
        (
            "SET a = :l + :n",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: L",
        ),
        (
            "ADD a :l",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE a :n",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
        (
            "SET a = :n, a.b = :n",
            "Invalid UpdateExpression: Two document paths overlap with each other; "
            "must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
        ),
        (
            "SET a.b = :n, a[1] = :n",
            "Invalid UpdateExpression: Two document paths conflict with each other; "
            "must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
        ),
        ("SET a = x", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET x.y = :n", "The document path provided in the update expression is invalid for update"),
        ("REMOVE t[0]", "The document path provided in the update expression is invalid for update"),
        ("SET a = t + :n", "An operand in the update expression has an incorrect data type"),
        ("ADD t :n", "An operand in the update expression has an incorrect data type"),
    ],
)
def test_a_wrong_update_is_refused_in_dynamodbs_words(text: str, message: str) -> None:
    every = {":n": {"N": "1"}, ":l": {"L": []}}
    with pytest.raises(ServiceError) as refused:
        update(text, {name: value for name, value in every.items() if name in text} or None).apply({"t": {"S": "text"}}, KEY)
    assert refused.value.message == message


def test_removing_from_an_item_that_is_not_there_does_nothing() -> None:
    change = update("REMOVE x.y, z[0]")
    assert change.only_removes
    assert change.apply(None, KEY).item == KEY


def test_no_attribute_of_the_key_is_written() -> None:
    with pytest.raises(ServiceError) as refused:
        update("SET p.q = :n", {":n": {"N": "1"}}).check_keys(["p"])
    assert refused.value.message == "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"


def test_a_value_cannot_be_set_deeper_than_values_nest() -> None:
    value: dict[str, Any] = {"S": ""}
    for _ in range(30):
        value = {"M": {"a": value}}
    assert applied({"m": {"M": {}}}, "SET m.x = :v", v=value)
    with pytest.raises(ServiceError, match="Nesting Levels"):
        applied({"m": {"M": {"n": {"M": {}}}}}, "SET m.n.x = :v", v=value)


# AttributeUpdates.


def older(updates: dict[str, Any]) -> Update:
    found, _ = clauses.updated({"AttributeUpdates": updates})
    assert found is not None
    return found


def test_attribute_updates_put_add_and_delete() -> None:
    item = {"n": {"N": "1"}, "l": {"L": [{"S": "a"}]}, "s": {"SS": ["a", "b"]}, "x": {"S": "x"}}
    change = older(
        {
            "n": {"Action": "ADD", "Value": {"N": "2"}},
            "l": {"Action": "ADD", "Value": {"L": [{"S": "b"}]}},
            "s": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "x": {"Action": "DELETE"},
            "y.z": {"Value": {"S": "put"}},
        }
    )
    assert change.apply(item, KEY).item == {
        "n": {"N": "3"},
        "l": {"L": [{"S": "a"}, {"S": "b"}]},
        "s": {"SS": ["b"]},
        "y.z": {"S": "put"},
    }


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        (
            {"a": {"Action": "PUT"}},
            "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified",
        ),
        ({"a": {"Action": "ADD", "Value": {"S": "x"}}}, "One or more parameter values were invalid: ADD action is not supported for the type S"),
        (
            {"a": {"Action": "DELETE", "Value": {"N": "1"}}},
            "One or more parameter values were invalid: DELETE action with value is not supported for the type N",
        ),
        ({"t": {"Action": "ADD", "Value": {"N": "1"}}}, "Type mismatch for attribute to update"),
    ],
)
def test_wrong_attribute_updates_are_refused(updates: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        older(updates).apply({"t": {"S": "text"}}, KEY)
    assert refused.value.message == message
