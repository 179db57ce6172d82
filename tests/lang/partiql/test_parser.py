"""PartiQL's statements: what they parse into, and what is said of those that do not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lang.dynamodb import drawn
from tule.core.errors import ServiceError
from tule.lang.dynamodb import numbers, values
from tule.lang.partiql.binding import Bound
from tule.lang.partiql.columns import Columns
from tule.lang.partiql.parser import parse
from tule.lang.partiql.syntax import Delete, Exists, Insert, Select, Update

NOT_WELL_FORMED = "Statement wasn't well formed, can't be processed: "


def bound(text: str, *parameters: dict[str, Any]) -> Bound:
    return Bound(parse(text), parameters)


def written(value: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    """A value as a statement has it; binaries, which have no literals, become parameters."""
    kind, inner = next(iter(value.items()))
    match kind:
        case "S":
            return "'" + inner.replace("'", "''") + "'"
        case "N":
            return inner
        case "BOOL":
            return str(inner).lower()
        case "NULL":
            return "NULL"
        case "L":
            return "[" + ", ".join(written(one, parameters) for one in inner) + "]"
        case "M":
            return "{" + ", ".join(f"'{name}': {written(one, parameters)}" for name, one in inner.items()) + "}"
        case "B":
            parameters.append(value)
            return "?"
        case _:
            return "<<" + ", ".join(written({values.SETS[kind]: one}, parameters) for one in inner) + ">>"


@given(drawn.values())
def test_every_value_can_be_written_in_a_statement(value: dict[str, Any]) -> None:
    value = values.check(value)
    parameters: list[dict[str, Any]] = []
    statement = bound(f"INSERT INTO things VALUE {{'a': {written(value, parameters)}}}", *parameters)
    assert isinstance(statement.statement, Insert)
    assert statement.value(statement.statement.item) == {"M": {"a": value}}


@given(st.text("'\" a?é--", max_size=8))
def test_texts_and_names_may_hold_anything(text: str) -> None:
    doubled, quoted = text.replace("'", "''"), text.replace('"', '""')
    statement = bound(f"""SELECT * FROM "t" WHERE "x{quoted}" = '{doubled}'""")
    assert statement.where is not None
    assert statement.where.matches({f"x{text}": {"S": text}})


def test_a_select_names_its_table_index_columns_and_order() -> None:
    found = parse('SELECT a.b[0], "c d" FROM "Music"."by-artist" WHERE x = 1 ORDER BY y DESC, z')
    assert isinstance(found, Select)
    assert (found.table, found.index, found.order) == ("Music", "by-artist", (("y", True), ("z", False)))
    assert found.columns is not None
    item = {"a": {"M": {"b": {"L": [{"S": "first"}]}}}, "c d": {"N": "1"}, "x": {"N": "2"}}
    assert Columns(found.columns, found.wording.names).of(item) == {"b[0]": {"S": "first"}, "c d": {"N": "1"}}


@pytest.mark.parametrize(
    ("clause", "holds"),
    [
        ("a = 1 AND b = 'x'", True),
        ("a = 1 and not b = 'x'", False),
        ("a != 1 OR b <> 'y'", True),
        ("a BETWEEN 0 AND 2 AND b IN ['x', 'y']", True),
        ("a NOT BETWEEN 0 AND 2", False),
        ("a NOT IN (2, 3)", True),
        ("((a = 1))", True),
        ("c IS MISSING AND a IS NOT MISSING", True),
        ("n IS NULL AND a IS NOT NULL", True),
        ("begins_with(b, 'x') AND CONTAINS(s, 'm') AND size(b) = 1", True),
        ("attribute_type(s, 'SS')", True),
        ("m.k[1] = 2 AND m['k'][0] = 1", True),
        ("1 < a", False),
        ("a IS INT4 AND b IS STRING AND s IS BAG AND NOT a IS BOOL", True),
        ("attribute_exists(s) = true AND attribute_exists(c) = false", True),
        ("a = 1 -- AND a = 2\n AND b = /* not 'y' */ 'x'", True),
        ("b = 'x' -1", None),
    ],
)
def test_where_clauses_are_judged(clause: str, holds: bool | None) -> None:
    item = {
        "a": {"N": "1"},
        "b": {"S": "x"},
        "n": {"NULL": True},
        "s": {"SS": ["m"]},
        "m": {"M": {"k": {"L": [{"N": "1"}, {"N": "2"}]}}},
    }
    if holds is None:
        with pytest.raises(ServiceError, match="Statement wasn't well formed"):
            bound(f"DELETE FROM t WHERE {clause}")
        return
    where = bound(f"DELETE FROM t WHERE {clause}").where
    assert where is not None
    assert where.matches(item) is holds


def test_an_update_sets_adds_and_removes() -> None:
    statement = bound(
        "UPDATE t SET a = a + 1, b = ? SET s = set_add(s, <<'y'>>) SET l = list_append(l, [2]) REMOVE m.x WHERE p = 'k' RETURNING MODIFIED NEW *",
        {"BOOL": True},
    )
    assert isinstance(statement.statement, Update)
    assert statement.statement.returning == "UPDATED_NEW"
    item = {"p": {"S": "k"}, "a": {"N": "1"}, "s": {"SS": ["x"]}, "l": {"L": [{"N": "1"}]}, "m": {"M": {"x": {"S": ""}}}}
    assert statement.update().apply(item, {}).item == {
        "p": {"S": "k"},
        "a": {"N": "2"},
        "b": {"BOOL": True},
        "s": {"SS": ["x", "y"]},
        "l": {"L": [{"N": "1"}, {"N": "2"}]},
        "m": {"M": {}},
    }


def test_an_update_may_begin_with_its_table() -> None:
    statement = bound("FROM t WHERE p = 'k' AND a = 1 SET c = 2 REMOVE a RETURNING ALL NEW *")
    assert isinstance(statement.statement, Update)
    assert statement.statement.returning == "ALL_NEW"
    assert statement.key(["p"]) == {"p": {"S": "k"}}
    assert statement.update().apply({"a": {"N": "1"}}, {}).item == {"c": {"N": "2"}}


def test_a_set_loses_elements() -> None:
    statement = bound("UPDATE t SET s = SET_DELETE(s, <<'x'>>) WHERE p = 'k'")
    assert statement.update().apply({"s": {"SS": ["x", "y"]}}, {}).item == {"s": {"SS": ["y"]}}


def test_a_key_is_found_in_the_clause() -> None:
    statement = bound("DELETE FROM t WHERE p = ? AND 3 = c AND d > 1", {"S": "k"})
    assert isinstance(statement.statement, Delete)
    assert statement.key(["p", "c"]) == {"p": {"S": "k"}, "c": {"N": "3"}}
    assert not statement.names_only(["p", "c"])
    assert bound("DELETE FROM t WHERE p = 'k' AND c = 3").names_only(["p", "c"])
    with pytest.raises(ServiceError, match="Where clause does not contain a mandatory equality on all key attributes"):
        bound("DELETE FROM t WHERE p = 'k' AND (c = 3 OR c = 4)").key(["p", "c"])


@pytest.mark.parametrize(
    ("clause", "lookups"),
    [
        ("p = 'a'", [[("p", "=")]]),
        ("p = 'a' AND c > 1 AND x = 2", [[("p", "="), ("c", ">")]]),
        ("p = 'a' AND begins_with(c, 'x')", [[("p", "="), ("c", "begins_with")]]),
        ("p IN ['a', 'b', 'a'] AND c = 1", [[("p", "="), ("c", "=")]] * 2),
        ("(p = 'a' OR p = 'b')", [[("p", "=")]] * 2),
        ("p = 'a' OR c = 1", []),
        ("p = 'a' AND NOT c = 1 OR p = 'b' AND c = 2", [[("p", "=")]] * 2),
        ("c = 1", []),
        ("p > 'a'", []),
        ("NOT p = 'a'", []),
    ],
)
def test_a_partition_is_looked_up_where_the_clause_names_it(clause: str, lookups: list[Any]) -> None:
    found = bound(f"SELECT * FROM t WHERE {clause}").key_conditions(["p"], ["c"])
    assert [[(one.attribute, one.operator) for one in lookup.conditions] for lookup in found] == lookups


def test_exists_is_a_select_within_a_statement() -> None:
    statement = bound("EXISTS(SELECT * FROM t WHERE p = 'k')")
    assert isinstance(statement.statement, Exists)
    assert statement.key(["p"]) == {"p": {"S": "k"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("SELECTS * FROM t", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("UPDATE Payment-table SET a = 1", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("INSERT INTO urls (key) VALUES (?)", "Statement wasn't well formed, can't be processed: Unexpected keyword"),
        ("SELECT * FROM t WHERE a = 'x", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE a = 1 # note", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE a = 1 /* note", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE a = 1e2147483648", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE a = 1.5e-2147483647", NOT_WELL_FORMED),
        ("SELECT * FROM t WHERE", f"{NOT_WELL_FORMED}Unexpected term"),
        ("SELECT * FROM t WHERE;", f"{NOT_WELL_FORMED}Unexpected term"),
        ("SELECT * FROM", f"{NOT_WELL_FORMED}Unexpected term"),
        ("SELECT * FROM t WHERE ORDER BY a", f"{NOT_WELL_FORMED}Unexpected keyword"),
        ("SELECT * FROM t WHERE IS NULL", f"{NOT_WELL_FORMED}Unexpected operator"),
        ("SELECT * FROM t WHERE a = LIKE", f"{NOT_WELL_FORMED}Unexpected operator"),
        ("SELECT * FROM t WHERE a IS FOO", f"{NOT_WELL_FORMED}Expected type name"),
        ("SELECT * FROM t WHERE a = 1 AND", f"{NOT_WELL_FORMED}Missing right-hand side expression of infix operator"),
        ("SELECT * FROM t WHERE a = 1 foo", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("SELECT * FROM t WHERE a = 1)", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("SELECT * FROM t ORDER BY a WHERE a = 1", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("DELETE FROM t WHERE a = 1 ORDER BY a", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("INSERT INTO t u VALUE {'a': 1}", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("FROM t SET c = 1 WHERE a = 1", f"{NOT_WELL_FORMED}Unexpected token after expression"),
        ("DELETE FROM WHERE a = 1", f"{NOT_WELL_FORMED}Expected identifier for simple path"),
        ("SELECT * FROM t WHERE attribute_exists(m.inner)", f"{NOT_WELL_FORMED}Invalid path dot component"),
        ("SELECT * FROM t AS u WHERE a = 1", "Aliasing is not supported"),
        ("UPDATE t u SET a = 3 WHERE a = 1", "Aliasing is not supported"),
        ("DELETE FROM t u WHERE a = 1", "Aliasing is not supported"),
        ("SELECT * FROM t WHERE a = 1e126", f"{numbers.overflow().message} under root"),
        ("INSERT INTO t VALUE {'a': 1e-131}", f"{numbers.underflow().message} under root"),
        ("INSERT INTO t VALUE {'p': 1, 'm': {'x': 1e126}}", f"{numbers.overflow().message} under root.x"),
        ("INSERT INTO t VALUE {'p': 1, 'l': [1, 1e126]}", f"{numbers.overflow().message} under root[1]"),
        ("SELECT * FROM t WHERE EXISTS(a)", "Unrecognized function: exists at 1:23:6"),
        ("SELECT * FROM t WHERE set_add(a, <<1>>) = a", "Unrecognized function: set_add at 1:23:7"),
        ("SELECT size(a) FROM t", "Unexpected path component at 1:8:4"),
        ("INSERT INTO t VALUE {'a': set_add(<<1>>, <<2>>)}", "Unsupported data type: set_add under key root at 1:27:7"),
        (
            "SELECT * FROM t WHERE attribute_exists()",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 0",
        ),
        (
            "SELECT * FROM t WHERE attribute_exists('a')",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "SELECT * FROM t WHERE a < TRUE",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        ("UPDATE t SET a = set_add(b, <<1>>)", "The first argument to SET_ADD must equal the assignment value at 1:18:7"),
        ("UPDATE t SET a = set_add(a, 'x')", "The second argument to SET_ADD must be a value with type SET at 1:26:1"),
        ("UPDATE t SET a = set_delete(a)", "SET_DELETE must have exactly two arguments at 1:18:10"),
        ("UPDATE t SET a = set_add(a, <<>>)", "Empty bags are not supported"),
        ("SELECT * FROM t LIMIT 3", "Unsupported clause: LIMIT"),
        ("SELECT * FROM t WHERE a = " + "[" * 200, "Statement wasn't well formed, can't be processed: Nested too deeply"),
        ("SELECT * FROM t WHERE " + "(" * 3000, "Statement wasn't well formed, can't be processed: Nested too deeply"),
        ("SELECT * FROM t WHERE " + "NOT " * 2000 + "a = 1", "Statement wasn't well formed, can't be processed: Nested too deeply"),
        ("SELECT * FROM t WHERE a = ?", "Number of parameters in request and statement don't match."),
        ("INSERT INTO t VALUE {'a': <<1, 'x'>>}", "A set takes one or more strings, numbers or binaries, all of one type"),
    ],
)
def test_what_is_no_statement_is_refused(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        _evaluated(text)
    assert (refused.value.code, refused.value.message) == ("ValidationException", message)


def _evaluated(text: str) -> None:
    statement = bound(text)
    if isinstance(statement.statement, Insert):
        statement.value(statement.statement.item)


def test_binaries_come_as_parameters() -> None:
    data = base64.b64encode(b"\x00\xff").decode()
    where = bound("SELECT * FROM t WHERE b = ?", {"B": data}).where
    assert where is not None
    assert where.matches({"b": {"B": data}})
