"""Errors, read by botocore's parsers and looked at as bytes."""

from __future__ import annotations

import re
import zlib

import cbor2
import orjson
import pytest

from tests.wire.clients import MODELS, answer_of, botocore_model
from tule.core.errors import ServiceError, not_implemented
from tule.wire.codec import error_for
from tule.wire.models import SERVICES

_SPOKEN = [(service, protocol) for service in SERVICES for protocol in MODELS.service(service).protocols]
_ID = "6f2f0a76-2f5c-4b1e-8f0a-0d3c1b2a4e5f"


@pytest.mark.parametrize(("service", "protocol"), _SPOKEN)
def test_every_service_s_errors_give_code_and_message(service: str, protocol: str) -> None:
    name = next(name for name, raw in MODELS.service(service).operations.items() if raw["http"]["method"] != "HEAD")
    response = MODELS.service(service).operation(name, protocol).error(ServiceError("SomeError", "It <broke> & é.", 409), _ID)
    read = answer_of(botocore_model(service).operation_model(name), protocol, response)
    assert response.status == 409
    assert (read["Error"]["Code"], read["Error"]["Message"]) == ("SomeError", "It <broke> & é.")
    assert read["ResponseMetadata"]["RequestId"] == _ID


@pytest.mark.parametrize(("service", "protocol"), _SPOKEN)
def test_every_modelled_error_is_recognized(service: str, protocol: str) -> None:
    model = MODELS.service(service)
    name = next(name for name, raw in model.operations.items() if raw["http"]["method"] != "HEAD")
    codec, operation = model.operation(name, protocol), botocore_model(service).operation_model(name)
    for shape_name in set(model.error_shapes.values()):
        code = model.shapes.named(shape_name).get("error", {}).get("code", shape_name)
        read = answer_of(operation, protocol, codec.error(ServiceError(shape_name, "words"), _ID))
        assert (read["Error"]["Code"], read["Error"]["Message"]) == (code if _says_codes(service, protocol) else shape_name, "words")


def _says_codes(service: str, protocol: str) -> bool:
    return protocol in ("query", "ec2", "rest-xml") or MODELS.service(service).query_compatible


def test_status_and_code_come_from_the_shape() -> None:
    response = MODELS.operation("iam", "GetUser").error(ServiceError("NoSuchEntity", "The user with name x cannot be found."), _ID)
    assert response.status == 404
    assert response.body == (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>'
        b"<Message>The user with name x cannot be found.</Message></Error><RequestId>" + _ID.encode() + b"</RequestId></ErrorResponse>"
    )


def test_an_explicit_status_wins() -> None:
    assert MODELS.operation("iam", "GetUser").error(ServiceError("NoSuchEntity", "", 410), _ID).status == 410


def test_dynamodb_names_the_namespace_and_seals_the_body() -> None:
    response = MODELS.operation("dynamodb", "GetItem").error(ServiceError("ResourceNotFoundException", "Requested resource not found"), _ID)
    body = orjson.loads(response.body)
    assert body == {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "Requested resource not found"}
    assert response.headers["x-amz-crc32"] == str(zlib.crc32(response.body))
    refused = MODELS.operation("dynamodb", "GetItem").error(ServiceError("ValidationException", "no"), _ID)
    assert orjson.loads(refused.body)["__type"] == "com.amazon.coral.validate#ValidationException"


def test_structured_fields_of_an_error_are_written_by_its_shape() -> None:
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"id": {"B": "AA=="}}}, {"Code": "None"}]
    error = ServiceError("TransactionCanceledException", "cancelled", fields={"CancellationReasons": reasons})
    body = orjson.loads(MODELS.operation("dynamodb", "TransactWriteItems").error(error, _ID).body)
    assert body["CancellationReasons"] == [{"Code": "ConditionalCheckFailed", "Item": {"id": {"B": "AA=="}}}, {"Code": "None"}]
    assert body["Message"] == "cancelled"


def test_lambda_says_whose_mistake_it_was() -> None:
    response = MODELS.operation("lambda", "GetFunction").error(ServiceError("ResourceNotFoundException", "Function not found", 404), _ID)
    assert orjson.loads(response.body) == {"Type": "User", "Message": "Function not found"}
    assert response.headers["x-amzn-ErrorType"] == "ResourceNotFoundException"


def test_lambda_says_nothing_more_of_errors_that_it_does_not_model() -> None:
    response = MODELS.operation("lambda", "GetFunction").error(ServiceError("ValidationException", "1 validation error detected: ..."), _ID)
    assert orjson.loads(response.body) == {"message": "1 validation error detected: ..."}


def test_sqs_speaks_to_old_and_new_clients() -> None:
    error = ServiceError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    new = MODELS.service("sqs").operation("GetQueueUrl", "json").error(error, _ID)
    assert orjson.loads(new.body) == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}
    assert new.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    old = MODELS.service("sqs").operation("GetQueueUrl", "query").error(error, _ID)
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in old.body
    assert b"<Message>The specified queue does not exist for this wsdl version.</Message><Detail/>" in old.body
    both = answer_of(botocore_model("sqs").operation_model("GetQueueUrl"), "json", new)["Error"]
    assert both["QueryErrorCode"] == "QueueDoesNotExist"


def test_cloudwatch_names_the_query_code_in_cbor() -> None:
    response = MODELS.operation("cloudwatch", "ListMetrics").error(ServiceError("InvalidParameterValueException", "no"), _ID)
    assert response.headers["x-amzn-query-error"] == "InvalidParameterValue;Sender"
    assert cbor2.loads(response.body) == {"__type": "InvalidParameterValueException", "message": "no"}


def test_s3_errors_have_no_namespace_and_name_what_failed() -> None:
    error = ServiceError("NoSuchKey", "The specified key does not exist.", 404, fields={"Key": "a&b"})
    response = MODELS.operation("s3", "GetObject").error(error, _ID)
    assert re.sub(rb"<HostId>.*</HostId>", b"", response.body) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>'
        b"<Key>a&amp;b</Key><RequestId>" + _ID.encode() + b"</RequestId></Error>"
    )
    assert response.headers["x-amz-request-id"] == _ID


def test_an_error_to_head_has_no_body() -> None:
    assert MODELS.operation("s3", "HeadObject").error(ServiceError("NoSuchKey", "", 404), _ID).body == b""


def test_ec2_has_a_dress_of_its_own() -> None:
    response = MODELS.operation("ec2", "DescribeVpcs").error(ServiceError("InvalidVpcID.NotFound", "no vpc"), _ID)
    assert b"<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no vpc</Message></Error></Errors><RequestID>" in response.body


@pytest.mark.parametrize("protocol", ["json", "rest-json", "rest-xml", "query", "ec2", "smithy-rpc-v2-cbor", None])
def test_an_unknown_service_is_refused_in_any_protocol(protocol: str | None) -> None:
    response = error_for(MODELS, None, protocol, not_implemented("quantum"), _ID)
    assert response.status == 501
    assert b"NotImplemented" in response.body or response.headers["x-amzn-ErrorType"] == "NotImplemented"
    assert b"quantum" in response.body
