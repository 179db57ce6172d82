"""Values of the wrong kind in every place of a rest-json request.

They follow Smithy's public cases of malformed requests, but for two leniencies: a time may be written in any of the
three forms wherever it stands, and content types are not insisted upon.
"""

from __future__ import annotations

from typing import Any

import pytest

from tule.core.errors import ServiceError
from tule.wire.http import Body, Request
from tule.wire.models import ServiceModel

_KINDS = ("string", "boolean", "integer", "long", "double", "timestamp", "blob")


def _model() -> ServiceModel:
    """One operation for each kind, `POST /kind/{inPath}?inQuery=`, header `in-header`, the body's `inBody`."""
    shapes: dict[str, Any] = {kind: {"type": kind} for kind in _KINDS}
    shapes["list"] = {"type": "list", "member": {"shape": "string"}}
    shapes["map"] = {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}}
    shapes["union"] = {"type": "structure", "union": True, "members": {"int": {"shape": "integer"}, "string": {"shape": "string"}}}
    operations: dict[str, Any] = {}
    for kind in (*_KINDS, "list", "map", "union"):
        members: dict[str, Any] = {"inBody": {"shape": kind}}
        uri = f"/{kind}"
        if kind in _KINDS and kind != "blob":
            uri += "/{inPath}"
            members |= {
                "inPath": {"shape": kind, "location": "uri", "locationName": "inPath"},
                "inQuery": {"shape": kind, "location": "querystring", "locationName": "inQuery"},
                "inHeader": {"shape": kind, "location": "header", "locationName": "in-header"},
            }
        shapes[f"{kind}Input"] = {"type": "structure", "members": members}
        operations[kind] = {"name": kind, "http": {"method": "POST", "requestUri": uri}, "input": {"shape": f"{kind}Input"}}
    return ServiceModel("example", {"metadata": {"protocol": "rest-json"}, "shapes": shapes, "operations": operations})


_MODEL = _model()
_GOOD = {"boolean": "true", "string": "s", "timestamp": "2024-05-01T12:00:00Z"}


def _parse(kind: str, place: str, text: str) -> dict[str, Any]:
    body, path, query, headers = b"", f"/{kind}/{_GOOD.get(kind, '1')}", "", dict[str, str]()
    if place == "body":
        body = b'{"inBody": ' + text.encode() + b"}"
    elif place == "path":
        path = f"/{kind}/{text}"
    elif place == "query":
        query = f"inQuery={text}"
    else:
        headers["in-header"] = text
    return _MODEL.operation(kind).parse(Request("POST", path, query, headers, Body.of(body), body))


_BODY = [
    *(("boolean", text) for text in ('"true"', '"false"', '"yes"', '"1"', "True", "yes", "1", "0", "on", "[]", "{}")),
    *(("integer", text) for text in ('"123"', "true", "1.001", "2ABC", "0x42", "Infinity", '"Infinity"', "-Infinity", "NaN", '"NaN"')),
    *(("integer", text) for text in ("-9223372000000000000", "9223372000000000000", "123000000000000000000000")),
    *(("long", text) for text in ('"123"', "true", "1.001", "2ABC", "-184467440737095500000", "184467440737095500000", "123000000000000000000000")),
    *(("double", text) for text in ('"123"', "true", "2ABC", "0x42", "Infinity", "-Infinity", "NaN")),
    *(("timestamp", text) for text in ("true", "1515531081ABC", "0x42", "1515531081.123.456", "Infinity", '"Infinity"', "NaN", '"NaN"', "{}", "[]")),
    *(("timestamp", text) for text in ('"yesterday"', "1e300", '"2024-13-01T00:00:00Z"', '"Tue, 99 Apr 2014 18:30:38 GMT"', '""')),
    *(("blob", text) for text in ("blob", '"xyz"', '"YmxvYg="', "[98, 108]", '["b"]', "981081", "true")),
    *(("list", text) for text in ('["a", null]', '["a", "b"', '{"a": 1}', '"a"', "[1]")),
    *(("map", text) for text in ("{null: 1}", '{"a": null}', "[]", '"a"', '{"a": 1}')),
    *(("union", text) for text in ('{"int": 2, "string": "x"}', '{"int": 2, "unknown": "x"}', '{"int": null}', "{}", '["int"]', '{"unknown": 1}')),
]
_TEXT = [
    *(("boolean", text) for text in ("True", "TRUE", "y", "yes", "1", "on", "False", "n", "no", "0", "off", "OFF")),
    *(("integer", text) for text in ("true", "1.001", "2ABC", "0x42", "Infinity", "-Infinity", "NaN", "1_000", "9223372000000000000")),
    *(("long", text) for text in ("true", "1.001", "2ABC", "0x42", "NaN", "184467440737095500000", "123000000000000000000000")),
    *(("double", text) for text in ("true", "2ABC", "0x42", "1_0")),
    *(("timestamp", text) for text in ("true", "1515531081ABC", "0x42", "1515531081.123.456", "Infinity", "-Infinity", "NaN")),
]


@pytest.mark.parametrize(("kind", "text"), _BODY)
def test_in_the_body(kind: str, text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        _parse(kind, "body", text)
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)


@pytest.mark.parametrize("place", ["path", "query", "header"])
@pytest.mark.parametrize(("kind", "text"), _TEXT)
def test_in_path_query_and_header(kind: str, text: str, place: str) -> None:
    with pytest.raises(ServiceError) as refused:
        _parse(kind, place, text)
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "true", True),
        ("integer", "-2147483648", -(2**31)),
        ("integer", "1.0", 1),
        ("long", "9223372036854775807", 2**63 - 1),
        ("double", '"NaN"', "nan"),
        ("double", "3", 3),
        ("timestamp", "1515531081.1234", 1515531081.1234),
        ("timestamp", '"1996-12-19T16:39:57-08:00"', 851042397.0),
        ("timestamp", '"1985-04-12T23:20:50.52Z"', 482196050.52),
        ("timestamp", '"Tue, 29 Apr 2014 18:30:38 GMT"', 1398796238.0),
        ("blob", '"YmxvYg=="', b"blob"),
        ("list", "[]", []),
        ("map", "{}", {}),
        ("union", '{"int": 2, "__type": "x", "string": null}', {"int": 2}),
    ],
)
def test_what_is_taken(kind: str, text: str, value: Any) -> None:
    read = _parse(kind, "body", text)["inBody"]
    assert read == value or (value == "nan" and read != read)
