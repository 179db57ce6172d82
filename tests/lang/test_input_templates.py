"""Input transformers: what becomes of variables in JSON, in strings, within quotes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.lang.event_paths import MISSING, InvalidPath, parse
from tule.lang.input_templates import INGESTION_TIME, RULE_ARN, RULE_NAME, InvalidTemplate, NotJson, compile

EVENT = {
    "version": "0",
    "id": "e-1",
    "detail-type": "Order Placed",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-01-02T03:04:05Z",
    "region": "eu-west-1",
    "resources": ["arn:a"],
    "detail": {
        "user": "u-1",
        "says": 'a "word"\n',
        "order": {"id": "o-1", "total": 5},
        "one": ["HIGH"],
        "two": ["ACTIVE", "INACTIVE"],
        "valid": True,
        "empty": "",
        "items": [{"n": 1}, {"n": 2}],
    },
}
PATHS = {
    "user": "$.detail.user",
    "says": "$.detail.says",
    "order": "$.detail.order",
    "one": "$.detail.one",
    "two": "$.detail.two",
    "valid": "$.detail.valid",
    "empty": "$.detail.empty",
    "gone": "$.detail.gone",
    "type": "$.detail-type",
}
PREDEFINED = {RULE_ARN: "arn:rule", RULE_NAME: "r", INGESTION_TIME: "2026-01-02T03:04:06Z"}


def render(template: str) -> str:
    return compile(template, PATHS).render(EVENT, PREDEFINED)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"id": <user>}', '{"id": "u-1"}'),
        ('{"id": "<user>"}', '{"id": "u-1"}'),
        ('{"path": "users/<user>/<user>", "bod": <order>}', '{"path": "users/u-1/u-1", "bod": {"id":"o-1","total":5}}'),
        ('{"a": [<user>, "fixed"], "b": <one>}', '{"a": ["u-1", "fixed"], "b": ["HIGH"]}'),
        ('{"a": <gone>, "b": "<gone>", "c": <valid>}', '{"a": "", "b": "", "c": true}'),
        ('{"a": "<says>", "b": <says>}', '{"a": "a \\"word\\"\\n", "b": "a \\"word\\"\\n"}'),
        ('{"a": "\\"<user>\\""}', '{"a": "\\"u-1\\""}'),
        ('"<user> bought <order>"', '"u-1 bought {id:o-1,total:5}"'),
        ('"<one> single <two> many <empty> system"', '"[HIGH] single [ACTIVE,INACTIVE] many  system"'),
        ('"Command is <valid>!"', '"Command is true!"'),
        ('"<one> a"\n"<two> b"', '"[HIGH] a"\n"[ACTIVE,INACTIVE] b"'),
        ("<order>", '{"id":"o-1","total":5}'),
        ("<user>", '"u-1"'),
        (
            '"<type> by <aws.events.rule-name>: <aws.events.rule-arn> <aws.events.event.ingestion-time>"',
            '"Order Placed by r: arn:rule 2026-01-02T03:04:06Z"',
        ),
        ('"<b>bold</b> <user>"', '"<b>bold</b> u-1"'),
    ],
)
def test_variables_are_put_in(template: str, expected: str) -> None:
    assert render(template) == expected


def test_the_event_itself() -> None:
    found = json.loads(render('{"event": <aws.events.event>, "whole": <aws.events.event.json>}'))
    assert found["whole"] == EVENT
    assert found["event"] == {"detailType" if key == "detail-type" else key: value for key, value in EVENT.items() if key != "detail"}


@pytest.mark.parametrize("template", ['{"a": "<one>"}', '{"a": "<order>"}'])
def test_what_breaks_the_json_is_not_sent(template: str) -> None:
    with pytest.raises(NotJson):
        render(template)


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("<user> is here", '[Source: (String)"null is here"; line: 1, column: 8].'),
        ("hello", '[Source: (String)"hello"; line: 1, column: 6].'),
        ('{"a": <unknown>}', '[Source: (String)"{"a": <unknown>}"; line: 1, column: 8].'),
        ('{"a": <user>', '[Source: (String)"{"a": null"; line: 1, column: 11].'),
    ],
)
def test_a_template_that_is_no_json_is_refused(template: str, place: str) -> None:
    with pytest.raises(InvalidTemplate) as error:
        compile(template, PATHS)
    assert str(error.value) == place


@given(
    st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_value_stands_in_json_as_it_is_and_any_text_within_quotes(text: str, value: object) -> None:
    template = compile('{"value": <v>, "text": "<<t>>"}', {"v": "$.v", "t": "$.t"})
    assert json.loads(template.render({"v": value, "t": text}, PREDEFINED)) == {"value": value, "text": f"<{text}>"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail.order.id", "o-1"),
        ("$.detail['order'].total", 5),
        ("$.detail.two[1]", "INACTIVE"),
        ("$.detail.items[*].n", [1, 2]),
        ("$.detail.two[2]", MISSING),
        ("$.detail.user.x", MISSING),
        ("$.detail-type", "Order Placed"),
    ],
)
def test_paths(path: str, expected: object) -> None:
    assert parse(path).find(EVENT) == expected


@pytest.mark.parametrize("path", ["", "detail", "$detail", "$.", "$.a[", "$.a[x]", "$..a"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse(path)
