"""Filter patterns say of each message what the CloudWatch Logs user guide says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.lang.log_patterns import InvalidPattern, compile_pattern

TERMS = [
    ("", "anything", True),
    ("ERROR", "[ERROR 400] BAD REQUEST", True),
    ("ERROR", "Exiting with ERRORCODE: -1", True),
    ("ERROR", "error", False),
    ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
    ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
    ("?ERROR ?ARGUMENTS", "[WARNING 419] MISSING ARGUMENTS", True),
    ("?ERROR ?ARGUMENTS", "[INFO 200] OK", False),
    ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
    ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
    ("-ERROR", "fine", True),
    ("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", True),
    ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL ERROR SERVER", False),
    (r'"say \"hi\""', 'they say "hi"', True),
    ('-"not this"', "but not this", False),
    ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
    ("%colou?r$%", "what a color", True),
    ("%^a%", "b a", False),
]


@pytest.mark.parametrize(("pattern", "message", "matches"), TERMS)
def test_terms_occur_or_do_not(pattern: str, message: str, matches: bool) -> None:
    assert compile_pattern(pattern)(message) is matches


EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "OffFlag": False,
        "latency": 12.5,
        "text": "42",
        "key.with.dots": 7,
    }
)
JSON = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{ $.eventType = UpdateTrail }", True),
    ('{ $.eventType = "Update*" }', True),
    ('{ $.eventType = "update*" }', False),
    ('{ $.sourceIPAddress != "123.123.*" }', True),
    ('{ $.missing != "x" }', False),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[5] = "value" }', False),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[*].id = 2 }", True),
    ("{ $.objectList[*].id = 3 }", False),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.missing IS NULL }", False),
    ("{ $.SomeOtherObject NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.ThisFlag IS TRUE }", True),
    ("{ $.OffFlag IS FALSE }", True),
    ("{ $.ThisFlag IS FALSE }", False),
    ("{ $.latency > 12 }", True),
    ("{ $.latency >= 1.25e1 }", True),
    ("{ $.latency < 12.5 }", False),
    ("{ $.text = 42 }", True),
    ("{ $.eventType > 3 }", False),
    ("{ $['key.with.dots'] = 7 }", True),
    ("{ $.eventType = %^Update% }", True),
    ('{ ($.latency > 100 || $.text = 42) && $.eventType = "UpdateTrail" }', True),
    ('{ $.latency > 100 || $.text = 42 && $.eventType = "Other" }', False),
    ('{ $.eventType = "UpdateTrail" && ($.latency > 100 || $.missing = 1) }', False),
]


@pytest.mark.parametrize(("pattern", "matches"), JSON)
def test_json_patterns_look_into_json_messages(pattern: str, matches: bool) -> None:
    assert compile_pattern(pattern)(EVENT) is matches


def test_a_json_pattern_never_matches_what_is_not_json() -> None:
    matches = compile_pattern("{ $.a NOT EXISTS }")
    assert not matches("plain text")
    assert not matches("42")
    assert matches("{}")


LINE = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
WORDS = [
    ("[ip, user, username, timestamp, request, status_code, bytes]", True),
    ("[ip, user, username, timestamp, request, status_code]", False),
    ('[ip, user, username, timestamp, request = "GET*", status_code = 4*, bytes > 1000]', True),
    ("[ip, user, username, timestamp, request, status_code = 5*, bytes]", False),
    ("[..., status_code = 404, bytes]", True),
    ("[ip = 127.0.0.1, ...]", True),
    ("[ip, ..., bytes]", True),
    ("[..., status_code = 404 || status_code = 410, bytes]", True),
    ("[..., status_code >= 400 && status_code < 404, bytes]", False),
    ("[ip=%127\\.0\\.0\\.[1-9]%, ...]", True),
    ("[ip, user != Prod, ...]", False),
]


@pytest.mark.parametrize(("pattern", "matches"), WORDS)
def test_space_delimited_patterns_name_the_words_of_a_line(pattern: str, matches: bool) -> None:
    assert compile_pattern(pattern)(LINE) is matches


@pytest.mark.parametrize(
    "pattern",
    ["{", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a = 1 } x", "[a, b", "[..., ...]", '"open', "%(a)%", "{ $.a > x }", "%[%", "x" * 1025],
)
def test_a_broken_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack() -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern("{" + "(" * 400 + "$.a = 1" + ")" * 400 + "}")


def test_an_expression_with_many_stars_answers_in_time() -> None:
    assert not compile_pattern("%a*a*a*a*a*a*a*a*a*b%")("a" * 3000)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_either_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert matches(message) in (True, False)


@given(st.lists(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=4), st.text(max_size=80))
def test_terms_match_when_each_occurs(words: list[str], message: str) -> None:
    assert compile_pattern(" ".join(words))(message) is all(word in message for word in words)
