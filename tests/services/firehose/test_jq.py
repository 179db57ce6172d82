"""The part of jq that dynamic partitioning has."""

from __future__ import annotations

from typing import Any

import pytest

from tule.services.firehose.jq import InvalidQuery, compile_query
from tule.services.firehose.jq_functions import JqError

VALUE: dict[str, Any] = {
    "customer": {"id": 7, "name": "Ann"},
    "type": "AbC",
    "at": 1565382027,
    "tags": ["x", "y"],
    "a b": 3,
    "nothing": None,
    "text": '{"deep": [1]}',
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".", VALUE),
        (".customer.id", 7),
        ('.["a b"]', 3),
        ('."a b"', 3),
        ('.customer["name"]', "Ann"),
        (".tags[0]", "x"),
        (".tags[-1]", "y"),
        (".tags[5]", None),
        (".x.y.z", None),
        (".type.foo?", None),
        ("{customer_id: .customer.id, type}", {"customer_id": 7, "type": "AbC"}),
        ('{year: .at | strftime("%Y"), "day": (.at | strftime("%d"))}', {"year": "2019", "day": "09"}),
        ("{(.type): 1}", {"AbC": 1}),
        ("[.at, .tags[1]]", [1565382027, "y"]),
        (".type | ascii_downcase", "abc"),
        (".customer.id | tostring", "7"),
        ('"1.5" | tonumber + 1', 2.5),
        ('.nothing // "none"', "none"),
        ("1 + 2 * 3 - 4 / 2", 5),
        (".at % 1000", 27),
        ("-(.customer.id)", -7),
        ('"\\(.customer.name)-\\(.customer.id)"', "Ann-7"),
        ('if .customer.id > 5 and .type == "AbC" then "big" else "small" end', "big"),
        ("if .nothing then 1 elif .tags | length == 2 then 2 else 3 end", 2),
        ("(.tags | length) == 2 and (.nothing | not)", True),
        ('.tags | join("-")', "x-y"),
        ('"a,b" | split(",") | last', "b"),
        (".text | fromjson | .deep[0]", 1),
        (".at | todate", "2019-08-09T20:20:27Z"),
        ('"2019-08-09T20:20:27Z" | fromdate', 1565382027),
        ('"AbC" | test("^a"; "i")', True),
        ('"aXbX" | gsub("X"; "-")', "a-b-"),
        ('.type | ltrimstr("A") | rtrimstr("C")', "b"),
        (".customer | keys", ["id", "name"]),
        ('.customer | has("id")', True),
        ("[3, 1, 1] | unique | add", 4),
        ('null < false and false < 1 and 1 < "a"', True),
    ],
)
def test_a_query_gives_what_jq_gives(query: str, expected: Any) -> None:
    assert compile_query(query)(VALUE) == expected


@pytest.mark.parametrize(
    "query", [".[]", ".tags[]", "select(.a)", ".a |", "{a", "$x", ". as $x | $x", "def f: 1; f", "(" * 80 + "1" + ")" * 80, "1 ~ 2"]
)
def test_what_is_not_understood_is_refused_beforehand(query: str) -> None:
    with pytest.raises(InvalidQuery):
        compile_query(query)


@pytest.mark.parametrize("query", [".type.foo", ".customer[0]", ".tags | ascii_downcase", "1 / 0", ".type + 1", '"x" | tonumber', '"x" | fromjson'])
def test_what_does_not_fit_the_value_is_an_error(query: str) -> None:
    with pytest.raises(JqError):
        compile_query(query)(VALUE)
