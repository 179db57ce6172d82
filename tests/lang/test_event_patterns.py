"""Event patterns: what they match, how arrays of objects hold together, and how a bad one is refused."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tule.lang.event_patterns import InvalidPattern, PatternSet, compile

EVENT = {
    "source": "shop.orders",
    "detail-type": "Order Placed",
    "resources": ["arn:a", "arn:b"],
    "detail": {
        "state": "running",
        "count": 5,
        "ratio": 301.8,
        "big": 123456789012,
        "open": True,
        "note": None,
        "empty": "",
        "ip": "10.0.0.33",
        "ip6": "2001:0db8:0000:0000:0000:0000:0000:0001",
        "file": "images/cat.PNG",
        "tags": ["new", "blue", 7],
        "none": [],
        "nothing": {},
        "a": {"b": {"c": 1}},
        "items": [{"id": 1, "color": "red"}, {"id": 2, "color": "blue"}],
    },
}


def matches(detail: object, event: dict[str, Any] = EVENT) -> bool:
    return compile({"detail": detail}).matches(event)


@pytest.mark.parametrize(
    "detail",
    [
        {"state": ["stopped", "running"]},
        {"state": [{"prefix": "run"}]},
        {"state": [{"prefix": ""}]},
        {"state": [{"suffix": "ning"}]},
        {"state": [{"equals-ignore-case": "RUNNING"}]},
        {"state": [{"prefix": {"equals-ignore-case": "RUN"}}]},
        {"file": [{"suffix": {"equals-ignore-case": ".png"}}]},
        {"state": [{"anything-but": "stopped"}]},
        {"state": [{"anything-but": ["stopped", "gone"]}]},
        {"state": [{"anything-but": {"prefix": "stop"}}]},
        {"state": [{"anything-but": {"prefix": ["stop", "go"]}}]},
        {"state": [{"anything-but": {"suffix": ["ped", "one"]}}]},
        {"state": [{"anything-but": {"equals-ignore-case": ["STOPPED", "gone"]}}]},
        {"state": [{"anything-but": {"wildcard": "stop*"}}]},
        {"state": [{"anything-but": {"wildcard": ["stop*", "*ed"]}}]},
        {"state": [{"anything-but": 5}]},
        {"count": [{"anything-but": "5"}]},
        {"count": [{"anything-but": [4, 6]}]},
        {"note": [{"anything-but": "a"}]},
        {"count": [5]},
        {"count": [5.0]},
        {"count": [{"numeric": ["=", 5e0]}]},
        {"count": [{"numeric": [">", 0, "<=", 5]}]},
        {"count": [{"numeric": [">=", 5, "<", 6]}]},
        {"ratio": [{"numeric": ["=", 3.018e2]}]},
        {"ratio": [{"numeric": ["<", 302]}]},
        {"big": [123456789012]},
        {"open": [True]},
        {"note": [None]},
        {"empty": [""]},
        {"ip": [{"cidr": "10.0.0.0/24"}]},
        {"ip": ["10.0.0.33"]},
        {"ip6": [{"cidr": "2001:db8::/32"}]},
        {"ip6": ["2001:db8::1"]},
        {"file": [{"wildcard": "images/*.PNG"}]},
        {"file": [{"wildcard": "*a*e*/*"}]},
        {"state": [{"exists": True}]},
        {"note": [{"exists": True}]},
        {"missing": [{"exists": False}]},
        {"none": [{"exists": False}]},
        {"nothing": [{"exists": False}]},
        {"missing": ["x", {"exists": False}]},
        {"tags": ["blue"]},
        {"tags": [7]},
        {"tags": [{"anything-but": "new"}]},
        {"a.b": {"c": [1]}},
        {"a": {"b.c": [1]}},
        {"items": {"id": [2], "color": ["blue"]}},
        {"items": {"color": [{"exists": True}]}},
        {"state": [{"exactly": "running"}]},
        {"$or": [{"state": ["stopped"]}, {"count": [{"numeric": [">", 4]}]}]},
        {"$or": [{"state": ["running"], "$or": [{"count": [1]}, {"open": [True]}]}, {"count": [1]}]},
        {"$or": [{"state": ["gone"]}, {"state": ["running"]}], "open": [True]},
    ],
    ids=json.dumps,
)
def test_it_matches(detail: object) -> None:
    assert matches(detail)


@pytest.mark.parametrize(
    "detail",
    [
        {"state": ["Running"]},
        {"state": [{"prefix": "Run"}]},
        {"count": [{"prefix": "5"}]},
        {"count": ["5"]},
        {"state": [{"anything-but": "running"}]},
        {"state": [{"anything-but": {"prefix": "run"}}]},
        {"state": [{"anything-but": {"suffix": "ning"}}]},
        {"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]},
        {"state": [{"anything-but": {"wildcard": "r*g"}}]},
        {"missing": [{"anything-but": "a"}]},
        {"count": [{"anything-but": [4, 5]}]},
        {"count": [{"numeric": [">", 5]}]},
        {"count": [{"numeric": [">", 5, "<", 9]}]},
        {"open": [1]},
        {"open": [{"numeric": ["=", 1]}]},
        {"note": [False]},
        {"empty": [None]},
        {"missing": [None]},
        {"ip": [{"cidr": "10.0.1.0/24"}]},
        {"ip": [{"cidr": "2001:db8::/32"}]},
        {"state": [{"cidr": "10.0.0.0/24"}]},
        {"file": [{"wildcard": "images/*.png"}]},
        {"file": [{"wildcard": "images/cat.PNG*x"}]},
        {"state": [{"wildcard": "running*running"}]},
        {"state": [{"exists": False}]},
        {"none": [{"exists": True}]},
        {"a": [{"exists": True}]},
        {"tags": ["green"]},
        {"items": {"id": [1], "color": ["blue"]}},
        {"$or": [{"state": ["stopped"]}, {"count": [1]}]},
    ],
    ids=json.dumps,
)
def test_it_does_not_match(detail: object) -> None:
    assert not matches(detail)


def test_absence_is_asked_of_the_element_that_the_fields_before_it_chose() -> None:
    event = {"detail": {"items": [{"id": 1, "sold": True}, {"id": 2}]}}
    assert matches({"items": {"id": [2], "sold": [{"exists": False}]}}, event)
    assert not matches({"items": {"id": [1], "sold": [{"exists": False}]}}, event)


def test_values_of_several_arrays_need_not_lie_at_the_same_index() -> None:
    event = {"detail": {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 1}, {"y": 2}]}}
    assert matches({"a": {"x": [1]}, "b": {"y": [2]}}, event)


def test_wildcards_can_be_escaped() -> None:
    assert matches({"a": [{"wildcard": "\\*\\\\*"}]}, {"detail": {"a": "*\\z"}})
    assert not matches({"a": [{"wildcard": "\\*\\\\*"}]}, {"detail": {"a": "zz"}})


def test_a_set_tells_which_patterns_match() -> None:
    patterns = PatternSet(
        [("a", compile('{"source": ["x"]}')), ("b", compile('{"detail": {"n": [1]}}')), ("c", compile('{"source": [{"prefix": ""}]}'))]
    )
    assert patterns.matching({"source": "x", "detail": {"n": 2}}) == ["a", "c"]


def test_large_arrays_and_deep_events_are_matched_in_reasonable_work() -> None:
    event: dict[str, Any] = {"detail": {"a": [{"x": i, "y": i + 1, "z": [{"v": i}]} for i in range(20_000)], "b": [{"w": i} for i in range(20_000)]}}
    wanted = {"a": {"x": [{"exists": True}], "y": [{"exists": True}], "z": {"v": [-1, 19_999]}}, "b": {"w": [{"exists": True}]}}
    assert matches(wanted, event)
    nested: dict[str, Any] = {}
    event = {"detail": nested}
    for _ in range(5_000):
        nested["detail"] = nested = {}
    assert not matches({"x": [1]}, event)


SOURCE = '[Source: (String)"'


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[]", "Filter is not an object"),
        ('{"source": "a"}', '"source" must be an object or an array'),
        ('{"source": [], "detail": {}}', "Empty arrays are not allowed"),
        ('{"source": ["a"], "detail": {}}', "Empty objects are not allowed"),
        ('{"a": [[1]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{"foo": 1}]}', "Unrecognized match type foo"),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string"),
        ('{"a": [{"prefix": {"foo": "x"}}]}', "Unsupported prefix pattern: foo"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "Only one key allowed in match expression"),
        ('{"a": [{"suffix": ["x"]}]}', "suffix match pattern must be a string"),
        ('{"a": [{"exists": "true"}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"anything-but": [1, "a"]}]}', "Inside anything but list, either all values are number or string, mixed type is not supported"),
        ('{"a": [{"anything-but": [null]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"a": [{"anything-but": true}]}', "Value of anything-but must be an array or single string/number value."),
        ('{"a": [{"anything-but": {"cidr": "x"}}]}', "Unsupported anything-but pattern: cidr"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"a": [{"numeric": 5}]}', "Value of numeric must be an array."),
        ('{"a": [{"numeric": [">", "5"]}]}', "Value of > must be numeric"),
        ('{"a": [{"numeric": [">", 5, "<", 5]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": [">", 5, ">", 6]}]}', "Bad numeric range operator: >"),
        ('{"a": [{"numeric": ["=", 5, 6]}]}', "Too many elements in numeric expression"),
        ('{"a": [{"numeric": ["!", 5]}]}', "Unrecognized numeric range operator: !"),
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 2"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 2"),
        ('{"$or": {"a": [1]}}', "It must be an Array followed with $or."),
        ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship."),
        ('{"$or": [{"a": [1]}, 5]}', "Only JSON object is allowed in array of $or relationship."),
        ('{"$or": [{"a": [1]}, {"numeric": [1]}]}', "numeric is Ruler reserved fieldName which cannot be used inside $or."),
        ('{"a": [x]}', "Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"),
        ('{"a": [1', "Unexpected end-of-input: expected close marker for Array"),
        ("", "Filter is not an object"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_position(pattern: str, why: str) -> None:
    with pytest.raises(InvalidPattern) as error:
        compile(pattern)
    assert str(error.value).startswith(f"{why}\n at {SOURCE}{pattern}")


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ('{"source": ["aws.health"], "detail": {}}', "line: 1, column: 40]"),
        ('{"source":["test.event-pattern"],"detail":{"lenderId":"LenderA"}}', "line: 1, column: 56]"),
        ('{"source":["test-source"],"detail":{"name":[{"exists":"true"}]}}', "line: 1, column: 56]"),
        ('{\n  "detail": {\n    "a": {\n      "slug": "some"\n    }\n  }\n}', "line: 4, column: 16]"),
    ],
)
def test_positions_are_those_that_aws_tells(pattern: str, place: str) -> None:
    """As seen in refusals of AWS that people have published."""
    with pytest.raises(InvalidPattern) as error:
        compile(pattern)
    assert str(error.value).endswith(place)


def test_a_bad_address_range_is_refused_without_a_position() -> None:
    with pytest.raises(InvalidPattern) as error:
        compile('{"a": [{"cidr": "10.0.0.0"}]}')
    assert str(error.value) == "Malformed CIDR, one '/' required"


def test_a_long_pattern_is_shown_in_part() -> None:
    pattern = '{"a": "' + "x" * 600 + '"}'
    with pytest.raises(InvalidPattern) as error:
        compile(pattern)
    assert f'"{pattern[:500]}"[truncated {len(pattern) - 500} chars]; line: 1, column: 8]' in str(error.value)


# A plain model: every way of choosing one element of each array, one after the other.

LEAVES = st.sampled_from(["x", "y", 1, 2, True, None])
FIELDS = ("a", "b", "c")
EVENTS = st.recursive(
    st.dictionaries(st.sampled_from(FIELDS), LEAVES | st.lists(LEAVES, max_size=2), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner | st.lists(inner, max_size=3) | LEAVES, max_size=3),
    max_leaves=12,
)
ASKED = st.sampled_from([["x"], [1], [None], ["y", 2], [{"exists": True}], [{"anything-but": "x"}], [{"prefix": "y"}]])
PATTERNS = st.recursive(
    st.dictionaries(st.sampled_from(FIELDS), ASKED, min_size=1, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner | ASKED, min_size=1, max_size=3),
    max_leaves=6,
)


def choices(node: Any) -> Any:
    """The event with each array of objects replaced by one of its elements, in every possible way; values listed by path."""
    if isinstance(node, dict):
        for combination in itertools.product(*(list(choices(inner)) for inner in node.values())):
            found: dict[str, list[Any]] = {}
            for name, values in zip(node, combination, strict=True):
                for path, leaves in values.items():
                    found.setdefault(f"{name}.{path}".rstrip("."), []).extend(leaves)
            yield found
    elif isinstance(node, list):
        plain = [element for element in node if not isinstance(element, (dict, list))]
        held = [element for element in node if isinstance(element, (dict, list))]
        for inner in itertools.chain.from_iterable(choices(element) for element in held) if held else [{}]:
            yield {**inner, "": [*inner.get("", []), *plain]} if plain else inner
    else:
        yield {"": [node]}


def asked(pattern: Any, path: str = "") -> Any:
    for name, inner in pattern.items():
        if isinstance(inner, dict):
            yield from asked(inner, f"{path}{name}.")
        else:
            yield path + name, inner


def passes(wanted: list[Any], leaf: Any) -> bool:
    for one in wanted:
        match one:
            case {"exists": True}:
                return True
            case {"anything-but": text}:
                if leaf != text:
                    return True
            case {"prefix": text}:
                if isinstance(leaf, str) and leaf.startswith(text):
                    return True
            case _:
                if type(leaf) is type(one) and leaf == one:
                    return True
    return False


@settings(max_examples=300, deadline=None)
@given(EVENTS, PATTERNS)
def test_it_matches_as_trying_every_choice_of_elements_does(event: dict[str, Any], pattern: dict[str, Any]) -> None:
    expected = any(all(any(passes(wanted, leaf) for leaf in chosen.get(path, [])) for path, wanted in asked(pattern)) for chosen in choices(event))
    assert compile(pattern).matches(event) == expected


@settings(max_examples=300, deadline=None)
@given(st.text("ab*", max_size=8).filter(lambda text: "**" not in text), st.text("ab", max_size=10))
def test_wildcards_match_as_a_regular_expression_does(pattern: str, text: str) -> None:
    import re

    expected = re.fullmatch(pattern.replace("*", ".*"), text) is not None
    assert compile({"a": [{"wildcard": pattern}]}).matches({"a": text}) == expected
