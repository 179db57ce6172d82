"""Bad input: always AWS's 4xx, never another exception, never long."""

from __future__ import annotations

import gzip
import random
import time
from typing import Any

import cbor2
import pytest

from tests.wire.clients import MODELS, botocore_model, request_of
from tests.wire.samples import Samples, Unsampleable
from tule.core.errors import ServiceError
from tule.wire.http import Body, Request
from tule.wire.identify import identify
from tule.wire.models import SERVICES

_BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>'
    b"<Tagging><TagSet><Tag><Key>&lol1;</Key><Value>v</Value></Tag></TagSet></Tagging>"
)


def _parse(service: str, operation: str, body: bytes, protocol: str | None = None, target: str = "/", **headers: str) -> dict[str, Any]:
    codec = MODELS.service(service).operation(operation, protocol)
    path, _, query = target.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return codec.parse(Request(codec.http_method, path, query, named, Body.of(body), body))


def _refusal(*arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        _parse(*arguments, **named)
    assert refused.value.status == 400
    return refused.value.code, refused.value.message


def _circular() -> bytes:
    """A list that holds itself ten times: a reader that follows it never ends."""
    circle: list[object] = []
    circle += [circle] * 10
    return cbor2.dumps({"MetricData": circle}, value_sharing=True)


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"a":', b"\xff\xfe", b'{"TableName": "\xff"}', b"[" * 100_000, b"{}{}", b"NaN"])
def test_broken_json(body: bytes) -> None:
    assert _refusal("dynamodb", "GetItem", body)[0] == "SerializationException"


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_json_that_is_no_object(body: bytes) -> None:
    assert _refusal("dynamodb", "GetItem", body)[0] == "SerializationException"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"TableName": 1}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"TableName": 1.5}', "DECIMAL_VALUE cannot be converted to String"),
        (b'{"TableName": true}', "TRUE_VALUE cannot be converted to String"),
        (b'{"TableName": ["t"]}', "Start of list found where not expected"),
        (b'{"TableName": {}}', "Start of structure or map found where not expected."),
        (b'{"Limit": "1"}', "STRING_VALUE cannot be converted to Integer"),
        (b'{"Limit": 1.5}', "DECIMAL_VALUE cannot be converted to Integer"),
        (b'{"ConsistentRead": "true"}', "STRING_VALUE cannot be converted to Boolean"),
        (b'{"AttributesToGet": "a"}', "Unexpected field type"),
        (b'{"AttributesToGet": {}}', "Start of structure or map found where not expected."),
        (b'{"ExclusiveStartKey": "a"}', "Unexpected field type"),
        (b'{"ExclusiveStartKey": []}', "Start of list found where not expected"),
    ],
)
def test_wrong_types_are_named(body: bytes, words: str) -> None:
    code, message = _refusal("dynamodb", "Scan", body)
    assert code == "SerializationException"
    assert message.startswith(words)


def test_other_services_word_it_otherwise() -> None:
    assert _refusal("kinesis", "CreateStream", b'{"StreamName": 1}')[1] == "NUMBER_VALUE can not be converted to a String"
    assert _refusal("kinesis", "PutRecord", b'{"Data": "!!!"}')[1].startswith("Invalid Base64")
    assert _refusal("kinesis", "CreateStream", b'{"ShardCount": "1"}')[1] == "STRING_VALUE can not be converted to an Integer"


def test_deep_json_is_refused_and_deep_enough_json_is_not() -> None:
    def item(depth: int) -> bytes:
        return b'{"TableName":"t","Item":{"k":' + b'{"L":[' * depth + b'{"S":"x"}' + b"]}" * depth + b"}}"

    def expression(depth: int) -> bytes:
        return b'{"Filter":' + b'{"Not":' * depth + b"{}" + b"}" * depth + b',"TimePeriod":{"Start":"2026-01-01","End":"2026-01-02"}}'

    assert _parse("dynamodb", "PutItem", item(120))["TableName"] == "t"  # DynamoDB's own to refuse
    assert _refusal("dynamodb", "PutItem", item(4000))[0] == "SerializationException"
    assert _parse("ce", "GetDimensionValues", expression(32)[:-1] + b',"Dimension":"AZ"}')["Dimension"] == "AZ"
    assert _refusal("ce", "GetDimensionValues", expression(120))[0] == "SerializationException"
    assert _refusal("ce", "GetDimensionValues", expression(4000))[0] == "SerializationException"


def test_huge_numbers_stay_exact_or_are_refused() -> None:
    assert _parse("dynamodb", "Scan", b'{"TableName":"t","Limit":2}')["Limit"] == 2
    assert _refusal("kinesis", "CreateStream", b'{"StreamName":"s","ShardCount":' + b"9" * 10_000 + b"}")[0] == "SerializationException"
    for number in (b"2147483648", b"-2147483649", b"18446744073709551617", b"1e30", b"-1e30", b"1e999"):
        assert _refusal("kinesis", "CreateStream", b'{"StreamName":"s","ShardCount":' + number + b"}")[0] == "SerializationException"
    assert _refusal("cloudwatch", "PutMetricData", cbor2.dumps({"MetricData": [{"StorageResolution": 2**20_000}]}))[0] == "SerializationException"
    assert _refusal("iam", "ListUsers", b"Action=ListUsers&MaxItems=99999999999")[0] == "MalformedInput"


def test_integers_in_documents_stay_exact() -> None:
    body = b'{"IndexName":"i","IndexSchema":{"n":123456789012345678901234567890}}'
    params = _parse("opensearch", "CreateIndex", body, target="/2021-01-01/opensearch/domain/dom/index")
    assert params["IndexSchema"] == {"n": 123456789012345678901234567890}


@pytest.mark.parametrize("body", [b"<", b"<a>", b"<a></b>", b"text", b"\xff", b"<a>&unknown;</a>", b"<a/><b/>", _BILLION_LAUGHS, b"<a>" * 50_000])
def test_broken_and_dangerous_xml(body: bytes) -> None:
    assert _refusal("s3", "PutBucketTagging", body, target="/b?tagging") == (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def test_xml_with_another_root_is_refused() -> None:
    assert _refusal("s3", "PutBucketTagging", b"<Other><TagSet/></Other>", target="/b?tagging")[0] == "MalformedXML"


def test_external_entities_are_refused() -> None:
    body = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><Tagging><TagSet><Tag><Key>&e;</Key></Tag></TagSet></Tagging>'
    assert _refusal("s3", "PutBucketTagging", body, target="/b?tagging")[0] == "MalformedXML"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"\x9f" * 10_000, b"\x81" * 300 + b"\x00", b"\xbf" * 5_000, b"\x9a\xff\xff\xff\xff", cbor2.dumps([1]), b"\xc2\x58", _circular()],
)
def test_broken_cbor(body: bytes) -> None:
    code, _ = _refusal("cloudwatch", "PutMetricData", body)
    assert code in ("SerializationException", "MissingRequiredParameterException")


@pytest.mark.parametrize(
    "body",
    [b"Action=ListUsers&MaxItems=abc", b"Action=ListUsers&MaxItems.1.b=3", b"Action=ListUsers&MaxItems=\xff", b"Action=ListUsers&MaxItems=%FF"],
)
def test_broken_forms(body: bytes) -> None:
    assert _refusal("iam", "ListUsers", body)[0] == "MalformedInput"


def test_forms_with_wild_indexes() -> None:
    body = b"Action=SetQueueAttributes&QueueUrl=q&Attribute.x.Name=a"
    assert _refusal("sqs", "SetQueueAttributes", body, "query")[0] == "MalformedInput"
    assert _refusal("iam", "TagUser", b"UserName=u&Tags.member.999999999999999999999.Key=k")[0] == "MalformedInput"
    assert _refusal("iam", "TagUser", b"UserName=u&" + b"Tags." * 500 + b"=k")[0] == "MalformedInput"


def test_wrong_headers_and_queries() -> None:
    assert _refusal("s3", "UploadPart", b"", target="/b/k?partNumber=abc&uploadId=u")[0] == "InvalidArgument"
    assert _refusal("s3", "ListObjectsV2", b"", target="/b?list-type=2&max-keys=x")[0] == "InvalidArgument"
    assert _refusal("lambda", "ListFunctions", b"", target="/2015-03-31/functions/?MaxItems=x")[0] == "SerializationException"


def test_conditions_with_unreadable_dates_are_ignored() -> None:
    assert _parse("s3", "GetObject", b"", target="/b/k", if_modified_since="yesterday") == {"Bucket": "b", "Key": "k"}


def test_gzip_bombs_and_broken_gzip() -> None:
    started = time.perf_counter()
    bomb = gzip.compress(b"\x00" * (70 * 1024 * 1024))
    assert _refusal("cloudwatch", "PutMetricData", bomb, content_encoding="gzip")[0] == "SerializationException"
    assert _refusal("cloudwatch", "PutMetricData", bomb[:1000], content_encoding="gzip")[0] == "SerializationException"
    assert _refusal("cloudwatch", "PutMetricData", b"not gzip", content_encoding="gzip")[0] == "SerializationException"
    assert time.perf_counter() - started < 5


def test_gzip_is_read() -> None:
    body = gzip.compress(cbor2.dumps({"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.5}]}))
    assert _parse("cloudwatch", "PutMetricData", body, content_encoding="gzip")["MetricData"] == [{"MetricName": "m", "Value": 1.5}]


@pytest.mark.parametrize("service", SERVICES)
def test_damaged_requests_are_parsed_or_refused_with_4xx(service: str) -> None:
    """Real requests of a dozen operations of every service, damaged at random places."""
    rng = random.Random(service)
    model = MODELS.service(service)
    names = rng.sample(sorted(model.operations), min(12, len(model.operations)))
    for name in names:
        shape = model.shapes.at(model.operations[name]["input"]) if "input" in model.operations[name] else None
        try:
            params = {} if shape is None else Samples(model.shapes, name, protocol=model.protocol, answer=False).structure(shape)
        except Unsampleable:
            continue
        request = request_of(botocore_model(service).operation_model(name), model.protocol, params)
        for _ in range(10):
            _survives(_damaged(request, rng), service)


def _survives(request: Request, service: str) -> None:
    refusal: ServiceError | None = None
    try:
        identify(MODELS, request, None, service).parse(request)
    except ServiceError as error:
        refusal = error
    assert refusal is None or 400 <= refusal.status < 500


def _damaged(request: Request, rng: random.Random) -> Request:
    body = bytearray(request.body or b"")
    if body:
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            kind = rng.randrange(4)
            if kind == 0:
                body[at] = rng.randrange(256)
            elif kind == 1:
                del body[at : at + rng.randint(1, 10)]
                if not body:
                    break
            elif kind == 2:
                body[at:at] = rng.choice([b"{", b"]", b"null", b"-", b"1e400", b"<x>", b"&", b"\xff", b".1.", b'"', b"\x9f", b"%00", b"=" * 3])
            else:
                body[at:at] = body[: rng.randint(0, 40)]
    query = request.query
    if query and rng.random() < 0.5:
        at = rng.randrange(len(query))
        query = query[:at] + rng.choice(["%", "%ff", "&", "=", "x", "", "+"]) + query[at + 1 :]
    headers = {name: value if rng.random() < 0.9 else value[::-1] for name, value in request.headers.items()}
    data = bytes(body)
    return Request(request.method, request.path, query, headers, Body.of(data), data)
