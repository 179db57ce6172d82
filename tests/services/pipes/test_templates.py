"""Input templates, on their own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.services.pipes.templates import compile_template, unknown_variable

VARIABLES = {"aws.pipes.pipe-name": "p", "aws.pipes.event.ingestion-time": "2026-03-25T12:00:00.000Z"}
MESSAGE = {"messageId": "m", "body": '{"key": "value", "list": [1, {"a": 2}], "text": "say \\"hi\\""}', "eventSource": "aws:sqs", "n": None}


def render(template: str, event: Any = MESSAGE) -> str:
    return compile_template(template).render(event, VARIABLES)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('"Hello, sender"', '"Hello, sender"'),
        ("Hello, <$.messageId>", 'Hello, "m"'),
        ("<$.messageId>", '"m"'),
        ('"Hello, <$.messageId>"', '"Hello, m"'),
        ('{"key1" : "value1"}', '{"key1" : "value1"}'),
        ('{ "k": <$.body.key>, "at": <aws.pipes.event.ingestion-time> }', '{ "k": "value", "at": "2026-03-25T12:00:00.000Z" }'),
        ('{"k": "<$.body.key>!", "p": "<aws.pipes.pipe-name>"}', '{"k": "value!", "p": "p"}'),
        ('{"k": <$.body.list[1].a>}', '{"k": 2}'),
        ('{"k": <$.body.list>}', '{"k": [1,{"a":2}]}'),
        ('{"k": <$.body.list[*]>}', '{"k": [1,{"a":2}]}'),
        ('{"k": <$.n>}', '{"k": null}'),
        ('{"k": "list is <$.body.list>"}', '{"k": "list is [1,{a:2}]"}'),
        ('{"k": "<$.body.text>"}', '{"k": "say \\"hi\\""}'),
        ('{"k": <$.nothing>, "l": 1}', '{"l":1}'),
        ('{"k": "<$.nothing>", "l": 1}', '{"k": "", "l": 1}'),
        ('{"a": [<$.nothing>, <$.messageId>]}', '{"a":["m"]}'),
        ('{"quote": "\\"", "id": <$.messageId>}', '{"quote": "\\"", "id": "m"}'),
        ("a < b <$.messageId>", 'a < b "m"'),
    ],
)
def test_values_take_the_places_of_their_names(template: str, text: str) -> None:
    assert render(template) == text


def test_the_event_may_be_had_as_it_came_or_with_its_payload_read() -> None:
    assert json.loads(render('{"e": <aws.pipes.event>}')) == {"e": MESSAGE}
    assert json.loads(render('{"e": <aws.pipes.event.json>}'))["e"]["body"]["key"] == "value"


def test_the_data_of_a_record_is_read_where_it_is_json() -> None:
    def record(data: bytes) -> dict[str, Any]:
        return {"eventSource": "aws:kinesis", "data": base64.b64encode(data).decode()}

    assert render("<$.data.a>", record(b'{"a": 1}')) == "1"
    assert render("<$.data>", record(b"plain")) == json.dumps(base64.b64encode(b"plain").decode())


def test_what_an_enrichment_answers_may_be_no_object() -> None:
    assert render('{"all": <$>, "one": <$[0]>}', [1, 2]) == '{"all": [1,2], "one": 1}'
    assert render('"<$>"', "text") == '"text"'


@pytest.mark.parametrize(
    ("template", "unknown"), [("<aws.pipes.bogus>", "aws.pipes.bogus"), ("<aws.events.rule-name>", "aws.events.rule-name"), ("<b>", None)]
)
def test_names_that_nobody_knows_are_found(template: str, unknown: str | None) -> None:
    assert unknown_variable(template) == unknown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON, st.text())
def test_whatever_the_event_holds_the_output_is_json(value: Any, text: str) -> None:
    rendered = json.loads(render('{"plain": <$.v>, "quoted": "<$.t> <$.t>"}', {"v": value, "t": text}))
    assert rendered == {"plain": value, "quoted": f"{text} {text}"}
