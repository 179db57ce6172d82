"""The public protocol test cases of Smithy, as botocore keeps them in its repository (`tests/unit/protocols`).

They are not part of this repository.  `TULE_PROTOCOL_CASES=/path/to/tests/unit/protocols make test` runs them:
`input` cases are parsed and must give the params, `output` cases are serialized and must be read back by botocore as the
result.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.model
import pytest

from tests.wire.clients import answer_of, plain
from tule.core.errors import ServiceError
from tule.wire.http import Body, Request
from tule.wire.models import ServiceModel

_FOLDER = os.environ.get("TULE_PROTOCOL_CASES", "")

_CLIENT_SIDE = {
    "Ec2EmptyQueryLists": "an empty list is not sent",
    "QueryEmptyQueryMaps": "an empty map is not sent",
    "RestJsonOmitsEmptyListQueryValues": "an empty list is not sent",
    "RestJsonHttpPrefixHeadersAreNotPresent": "an absent map and an empty one look alike in headers",
    "HttpPrefixHeadersAreNotPresent": "an absent map and an empty one look alike in headers",
    "RestJsonHttpWithEmptyStructurePayload": "an absent payload is sent as {}",
    "RestJsonHttpWithHeadersButNoPayload": "an absent payload is sent as {}",
    "RestJsonQueryPrecedence": "what the client prefers",
    "RestXmlQueryPrecedence": "what the client prefers",
    "RestJsonHttpPayloadTraitsWithNoBlobBody": "an absent payload is read as empty",
    "HttpPayloadTraitsWithNoBlobBody": "an absent payload is read as empty",
    "HttpPrefixHeadersResponse": "a map of all headers holds our own too",
    "QueryCompatibleAwsJson10CustomCodeError": "a status that is not the shape's own",
    "QueryCompatibleRpcV2CborCustomCodeError": "a status that is not the shape's own",
}
"""Cases about what a client does: a server cannot see it.  So are those of idempotency tokens and compression, which hold no body."""

_QUERY_MAP_CASES = ("RestJsonAllQueryStringTypes", "RestJsonQueryStringEscaping", "RestJsonSupports", "RestJsonZeroAndFalse")
"""A map of all query parameters holds those without a member of their own: that is what API Gateway's operations want."""

_SHAPE_NAMES = ("BodyWithXmlName",)
"""botocore, too, takes a structure's own XML name for that of a member."""


def _ignored(side: str, protocol: str) -> set[str]:
    """Cases that botocore itself leaves out of its output tests."""
    if not _FOLDER:
        return set()
    document = json.loads(Path(_FOLDER, "protocol-tests-ignore-list.json").read_text())
    return set(document["protocols"].get(protocol, {}).get(side, {}).get("cases", ()))


def _cases(side: str) -> Iterator[Any]:
    for path in sorted(Path(_FOLDER, side).glob("*.json")) if _FOLDER else ():
        ignored = _ignored(side, path.stem) if side == "output" else set[str]()
        for suite in json.loads(path.read_text()):
            for case in suite["cases"]:
                if (
                    case.get("id") in ignored
                    or case.get("id") in _CLIENT_SIDE
                    or any(word in case.get("id", "") for word in ("AutoFill", "ContentEncoding", "AppendedGzip", "AppendsGzip"))
                ):
                    continue
                yield pytest.param(suite, case, id=f"{path.stem}-{case.get('id', case['given'].get('name'))}")


def _model(suite: dict[str, Any], case: dict[str, Any]) -> ServiceModel:
    operation = {"name": "OperationName", **case["given"]}
    metadata = {"xmlNamespace": "https://example.com/", "signatureVersion": "v4", **suite["metadata"]}
    return ServiceModel("example", {"metadata": metadata, "shapes": suite["shapes"], "operations": {operation["name"]: operation}})


@pytest.mark.skipif(not _FOLDER, reason="TULE_PROTOCOL_CASES names no folder")
@pytest.mark.parametrize(("suite", "case"), list(_cases("input")))
async def test_requests_of_the_public_cases_are_parsed(suite: dict[str, Any], case: dict[str, Any]) -> None:
    model = _model(suite, case)
    codec = model.operation(case["given"].get("name", "OperationName"))
    serialized = case["serialized"]
    url = urlsplit(serialized["uri"])
    body = serialized.get("body") or ""
    data = base64.b64decode(body) if model.protocol == "smithy-rpc-v2-cbor" else body.encode()
    headers = {name.lower(): value for name, value in serialized.get("headers", {}).items()}
    request = Request(serialized.get("method", "POST"), url.path, url.query, headers, Body.of(data), data)
    parsed = codec.parse(request)
    for name, value in parsed.items():
        if isinstance(value, Body):
            parsed[name] = await value.read(1 << 20)
    expected = case["params"]
    if case["id"].startswith(_QUERY_MAP_CASES):
        expected = {name: value for name, value in expected.items() if name != "queryParamsMapOfStringList"}
        parsed.pop("queryParamsMapOfStringList", None)
    if case["id"] in _SHAPE_NAMES:
        pytest.skip("a structure's own XML name")
    assert _comparable(parsed) == _comparable(expected)


@pytest.mark.skipif(not _FOLDER, reason="TULE_PROTOCOL_CASES names no folder")
@pytest.mark.parametrize(("suite", "case"), list(_cases("output")))
def test_answers_of_the_public_cases_are_read_back(suite: dict[str, Any], case: dict[str, Any]) -> None:
    model = _model(suite, case)
    codec = model.operation(case["given"].get("name", "OperationName"))
    document = {"metadata": model.metadata, "shapes": suite["shapes"], "operations": dict(model.operations)}
    operation = botocore.model.ServiceModel(document, "example").operation_model(codec.name)
    if model.protocol == "query" and operation.output_shape is not None:
        operation.output_shape.serialization["resultWrapper"] = f"{codec.name}Result"
    if "error" in case:
        error = ServiceError(case["errorCode"], case.get("errorMessage", ""), case["response"]["status_code"], fields=case["error"])
        response = codec.error(error, "an-id")
        read = answer_of(operation, model.protocol, response)
        assert response.status == case["response"]["status_code"]
        assert read["Error"]["Code"] == case["errorCode"]
        assert (read["Error"]["Message"] or "") == case.get("errorMessage", "")
        return
    if codec.event_output is not None:
        pytest.skip("event streams have tests of their own")
    response = codec.serialize(case["result"], "an-id")
    read = answer_of(operation, model.protocol, response)
    read.pop("ResponseMetadata")
    assert _comparable(plain(read)) == _comparable(case["result"])


def _comparable(value: Any) -> Any:
    """Without what differs only in writing: text and bytes, special floats, nulls."""
    if isinstance(value, dict):
        return {key: _comparable(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return binascii.hexlify(value).decode()
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
