"""Filter policies against a plain reading of AWS's description, and their refusals word for word."""

from __future__ import annotations

import ipaddress
import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.lang.json_tokens import complaint
from tule.lang.sns_filters import InvalidFilter, attribute_values, compile

WORDS = st.sampled_from(["", "a", "A", "ab", "abc", "b", "ba", "a*", "10.0.0.1", "10.0.1.1"])
NUMBERS = st.sampled_from([-1, 0, 0.5, 1, 1.0, 2, 300])
SCALARS = st.one_of(WORDS, NUMBERS, st.booleans(), st.none())
KEYS = st.sampled_from(["p", "q", "r"])
OPERATORS = st.sampled_from(["<", "<="])


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def takes(wanted: Any, value: Any) -> bool:
    """Whether one value of a policy takes one value of an event, read from the documentation."""
    if not isinstance(wanted, dict):
        return type(wanted) is type(value) and wanted == value if not is_number(wanted) else is_number(value) and wanted == value
    [(operator, operand)] = wanted.items()
    match operator:
        case "exists":
            return bool(operand)
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            return isinstance(value, str) and value.lower() == operand.lower()
        case "wildcard":
            return isinstance(value, str) and fnmatchcase(value, operand.replace("[", "[[]"))
        case "cidr":
            return isinstance(value, str) and _is_address(value) and ipaddress.ip_address(value) in ipaddress.ip_network(operand)
        case "numeric":
            return is_number(value) and all(_compare(value, *pair) for pair in zip(operand[::2], operand[1::2], strict=True))
        case _:
            return not _excluded(operand, value)


def _excluded(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        [(operator, inner)] = operand.items()
        return any(takes({operator: each}, value) for each in (inner if isinstance(inner, list) else [inner]))
    return any(takes(each, value) for each in (operand if isinstance(operand, list) else [operand]))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _compare(value: float, operator: str, bound: float) -> bool:
    return {"=": value == bound, "<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[operator]


def is_there(event: Any, path: list[str]) -> bool:
    if isinstance(event, list):
        return any(is_there(item, path) for item in event)
    if not path:
        return not isinstance(event, dict)
    return isinstance(event, dict) and path[0] in event and is_there(event[path[0]], path[1:])


def flat(value: Any) -> list[Any]:
    return [each for item in value for each in flat(item)] if isinstance(value, list) else [value]


def passes(policy: dict[str, Any], event: Any, whole: Any, path: list[str]) -> bool:
    for key, wanted in policy.items():
        if key == "$or":
            if not any(passes(alternative, event, whole, path) for alternative in wanted):
                return False
            continue
        found = flat(event[key]) if isinstance(event, dict) and key in event else []
        if isinstance(wanted, dict):
            objects = [each for each in found if isinstance(each, dict)] or [{}]
            if not any(passes(wanted, each, whole, [*path, key]) for each in objects):
                return False
            continue
        values = [each for each in found if not isinstance(each, dict)]
        absent = {"exists": False} in wanted and not is_there(whole, [*path, key])
        tests = [each for each in wanted if each != {"exists": False}]
        if not absent and not any(takes(each, value) for each in tests for value in values):
            return False
    return True


def numeric() -> st.SearchStrategy[dict[str, Any]]:
    single = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(list)
    ranges = st.tuples(st.sampled_from([">", ">="]), st.sampled_from([-1, 0, 0.5]), OPERATORS, st.sampled_from([1, 2, 300])).map(list)
    return st.one_of(single, ranges).map(lambda operand: {"numeric": operand})


def one_or_many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


LETTERS = WORDS.filter(lambda word: bool(word) and "*" not in word)
PATTERNS = st.sampled_from(["*", "a*", "*b", "a*c", "*b*", "abc"])
VALUES = st.one_of(
    SCALARS,
    st.booleans().map(lambda there: {"exists": there}),
    st.sampled_from(["prefix", "suffix", "equals-ignore-case"]).flatmap(lambda name: LETTERS.map(lambda word: {name: word})),
    PATTERNS.map(lambda pattern: {"wildcard": pattern}),
    st.sampled_from(["10.0.0.0/24", "10.0.0.0/16", "::/8"]).map(lambda network: {"cidr": network}),
    numeric(),
    st.one_of(one_or_many(WORDS), one_or_many(NUMBERS)).map(lambda operand: {"anything-but": operand}),
    st.sampled_from(["prefix", "suffix", "equals-ignore-case"]).flatmap(
        lambda name: one_or_many(LETTERS).map(lambda operand: {"anything-but": {name: operand}})
    ),
    one_or_many(PATTERNS).map(lambda operand: {"anything-but": {"wildcard": operand}}),
)
LISTS = st.lists(VALUES, min_size=1, max_size=3)
LEAVES = st.dictionaries(KEYS, LISTS, min_size=1, max_size=2)
POLICIES = st.one_of(
    LEAVES,
    st.dictionaries(KEYS, st.one_of(LISTS, LEAVES), min_size=1, max_size=2),
    st.lists(LEAVES, min_size=2, max_size=2).map(lambda alternatives: {"$or": alternatives}),
)
EVENTS = st.dictionaries(
    KEYS,
    st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=2)), max_leaves=6),
    max_size=3,
)


@given(POLICIES, EVENTS)
def test_a_policy_takes_what_the_documentation_says(policy: dict[str, Any], event: dict[str, Any]) -> None:
    try:
        compiled = compile(json.dumps(policy), "MessageBody")
    except InvalidFilter as refusal:
        assert refusal.text in ("Filter policy is too complex", "Filter policy can not have more than 5 keys")  # noqa: PT017
        return
    assert compiled.matches(event) == passes(policy, event, event, [])


@given(st.text(alphabet='{}[]",:a1 tf\\', max_size=12))
def test_the_parser_takes_what_a_json_parser_takes_and_complains_of_all_else(text: str) -> None:
    try:
        json.JSONDecoder().raw_decode(text.lstrip(" "))
    except ValueError:
        assert complaint(text) is not None
    else:
        assert complaint(text) is None


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"key": [{"exists": None}]}, "exists match pattern must be either true or false.|23"),
        ({"key": [{"exists": "no"}]}, "exists match pattern must be either true or false.|20"),
        ({"key": [{"cidr": ["10.0.0.0/8"]}]}, "prefix match pattern must be a string|18"),
        ({"key": []}, "Empty arrays are not allowed|10"),
        ({"key": [{"suffix": 100}]}, "suffix match pattern must be a string|22"),
        ({"key": {"suffix": "value"}}, '"suffix" must be an object or an array|19'),
        ({"key": {}}, "Empty objects are not allowed|10"),
        ({"key": [{"sounds-like": "x"}]}, "Unrecognized match type sounds-like|25"),
        ({"key": [{"numeric": ["<>", 5]}]}, "Unrecognized numeric range operator: <>|27"),
        ({"key": [{"anything-but": [1, "a"]}]}, None),
        ({"key": [["nested"]]}, "Match value must be String, number, true, false, or null|10"),
        ({"$or": [{"a": ["b"]}]}, None),
        ({"key": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 2|27"),
        ({"key": [{"prefix": "a", "suffix": "b"}]}, None),
    ],
)
def test_a_refusal_names_the_place_where_aws_s_compiler_stopped(policy: dict[str, Any], text: str | None) -> None:
    with pytest.raises(InvalidFilter) as caught:
        compile(json.dumps(policy))
    if text is not None:
        words, _, column = text.partition("|")
        compact = json.dumps(policy, separators=(",", ":"))
        assert caught.value.text == f'{words}\n at [Source: (String)"{compact}"; line: 1, column: {column}]'


@pytest.mark.parametrize(
    ("cidr", "text"),
    [
        ("bad", "Malformed CIDR, one '/' required"),
        ("bad/64", "Nonstandard IP address: bad"),
        ("bad/bad", "Malformed CIDR, mask bits must be an integer"),
        ("10.0.0.0/32", "IPv4 mask bits must be < 32"),
        ("10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"),
    ],
)
def test_a_network_that_is_none_is_refused_without_a_place(cidr: str, text: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        compile(json.dumps({"key": [{"cidr": cidr}]}))
    assert caught.value.text == text


def test_limits() -> None:
    with pytest.raises(InvalidFilter, match="more than 5 keys"):
        compile(json.dumps({key: ["v"] for key in "abcdef"}))
    compile(json.dumps({"a": [str(number) for number in range(150)]}))
    with pytest.raises(InvalidFilter, match="too complex"):
        compile(json.dumps({"a": [str(number) for number in range(151)]}))
    with pytest.raises(InvalidFilter, match="too complex"):
        compile(json.dumps({"a": {"b": {"c": [str(number) for number in range(51)]}}}), "MessageBody")
    with pytest.raises(InvalidFilter, match="does not support nested"):
        compile(json.dumps({"a": {"b": ["c"]}}), "MessageAttributes")


def test_attributes_are_matched_by_their_types() -> None:
    attributes = {
        "text": {"DataType": "String", "StringValue": "1"},
        "number": {"DataType": "Number.int", "StringValue": "1"},
        "array": {"DataType": "String.Array", "StringValue": '["x", 1, true, null]'},
        "bytes": {"DataType": "Binary", "BinaryValue": "eA=="},
    }
    values = attribute_values(attributes)
    assert values == {"text": ["1"], "number": [1], "array": ["x", 1, True, None]}
    assert compile('{"array": ["x"], "number": [{"numeric": ["=", 1.0]}]}').matches(values)
    assert not compile('{"text": [1]}').matches(values)
    assert compile('{"bytes": [{"exists": false}]}').matches(values)


def test_null_takes_an_attribute_that_is_not_there() -> None:
    policy = compile('{"a": [null, {"anything-but": "x"}]}')
    assert policy.matches({})
    assert policy.matches({"a": ["y"]})
    assert not policy.matches({"a": ["x"]})
    assert not compile('{"a": [null]}', "MessageBody").matches({})
