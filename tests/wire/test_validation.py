"""Refusals of parameters in AWS's words.  The expectations are real answers of AWS, or follow their form."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.wire.clients import MODELS
from tule.core.errors import ServiceError
from tule.wire.patterns import matcher
from tule.wire.violations import enum_order


def _refusal(service: str, operation: str, params: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        MODELS.operation(service, operation).validate(params)
    assert refused.value.status == 400
    return refused.value.code, refused.value.message


def test_a_missing_member() -> None:
    assert _refusal("dynamodb", "PutItem", {"TableName": "t"}) == (
        "ValidationException",
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null",
    )


def test_two_missing_members_are_two_errors() -> None:
    assert _refusal("dynamodb", "PutItem", {})[1] == (
        "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
        "Value null at 'item' failed to satisfy constraint: Member must not be null"
    )


def test_a_number_out_of_range() -> None:
    assert _refusal("stepfunctions", "ListExecutions", {"maxResults": 1001})[1] == (
        "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000"
    )


def test_a_length_and_a_path_through_a_list() -> None:
    tag = {"TagKey": "a" * 129, "TagValue": "v"}
    assert _refusal("kms", "TagResource", {"KeyId": "k", "Tags": [tag]})[1] == (
        f"1 validation error detected: Value '{'a' * 129}' at 'tags.1.member.tagKey' failed to satisfy constraint: "
        "Member must have length less than or equal to 128"
    )


def test_a_pattern() -> None:
    assert _refusal("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "!@#$@!#$", "Arn": "a"}]})[1] == (
        "1 validation error detected: Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
    )


def test_an_enum_lists_its_values_in_aws_s_order() -> None:
    assert _refusal("stepfunctions", "ListExecutions", {"statusFilter": "succeeded"})[1] == (
        "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: "
        "Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"
    )
    assert enum_order(["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]) == ["HEAD", "POST", "PATCH", "DELETE", "PUT", "GET", "OPTIONS"]


def test_scalars_in_a_list_are_refused_as_a_list() -> None:
    params = {"LayerName": "x", "Content": {}, "CompatibleArchitectures": ["invalidarch", "x86_64"]}
    assert _refusal("lambda", "PublishLayerVersion", params)[1] == (
        "1 validation error detected: Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )


def test_api_gateway_names_the_input_before_members_of_the_body() -> None:
    params = {"restApiId": "x", "patchOperations": [{"op": "wrong", "path": "/"}]}
    assert _refusal("apigateway", "UpdateRestApi", params)[1] == (
        "1 validation error detected: Value 'wrong' at 'updateRestApiInput.patchOperations.1.member.op' failed to satisfy constraint: "
        "Member must satisfy enum value set: [add, remove, move, test, replace, copy]"
    )
    params = {"restApiId": "x", "resourceId": "y", "httpMethod": "GET", "statusCode": "wrong"}
    assert "Value 'wrong' at 'statusCode' failed" in _refusal("apigateway", "PutMethodResponse", params)[1]


def test_structures_are_shown_as_java_prints_them() -> None:
    item = {"stateMachineVersionArn": "arn", "weight": 50}
    message = _refusal("stepfunctions", "CreateStateMachineAlias", {"name": "a", "routingConfiguration": [item] * 3})[1]
    shown = ", ".join(["RoutingConfigurationListItem(stateMachineVersionArn=arn, weight=50)"] * 3)
    assert message == (
        f"1 validation error detected: Value '[{shown}]' at 'routingConfiguration' failed to satisfy constraint: "
        "Member must have length less than or equal to 2"
    )


def test_secrets_are_not_shown() -> None:
    code, message = _refusal("cognito-idp", "SignUp", {"ClientId": "c", "Username": "u", "Password": " "})
    assert code == "InvalidParameterException"
    assert message.startswith("1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular")


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("iam", "GetRole", {}, "ValidationError"),
        ("sts", "AssumeRole", {}, "ValidationError"),
        ("cloudformation", "CreateStack", {}, "ValidationError"),
        ("sns", "SetTopicAttributes", {}, "ValidationError"),
        ("logs", "CreateLogGroup", {}, "InvalidParameterException"),
        ("route53", "GetHostedZone", {"Id": "x" * 40}, "InvalidInput"),
        ("lambda", "GetFunction", {}, "ValidationException"),
        ("kinesis", "CreateStream", {}, "ValidationException"),
    ],
)
def test_the_code_is_the_service_s_own(service: str, operation: str, params: dict[str, Any], code: str) -> None:
    assert _refusal(service, operation, params)[0] == code


def test_services_with_words_of_their_own() -> None:
    assert _refusal("sqs", "SendMessage", {"QueueUrl": "q"}) == ("MissingParameter", "The request must contain the parameter MessageBody.")
    assert _refusal("ec2", "CreateVpcEndpoint", {}) == ("MissingParameter", "The request must contain the parameter VpcId")
    assert _refusal("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [{}]}) == (
        "MissingRequiredParameterException",
        "The parameter MetricData.member.1.MetricName is required.",
    )
    assert _refusal("s3", "PutBucketTagging", {"Bucket": "b", "Tagging": {"TagSet": [{"Key": "k"}]}})[0] == "MalformedXML"
    assert _refusal("s3", "PutBucketTagging", {"Bucket": "b"}) == ("MissingRequestBodyError", "Request Body is empty")


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("s3", "PutObjectAcl", {"Bucket": "b", "Key": "k", "ACL": "nonsense"}),
        ("sqs", "GetQueueAttributes", {"QueueUrl": "q", "AttributeNames": ["Nonsense"]}),
        ("dynamodb", "GetItem", {"TableName": "t", "Key": {"k": {"M": {"deep": {"L": [{"S": ""}]}}}}}),
        ("codedeploy", "CreateApplication", {}),
    ],
)
def test_what_the_service_judges_itself_passes(service: str, operation: str, params: dict[str, Any]) -> None:
    MODELS.operation(service, operation).validate(params)


def test_a_required_idempotency_token_may_be_absent() -> None:
    MODELS.operation("scheduler", "DeleteScheduleGroup").validate({"Name": "g"})


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"TableName": 5}, "TableName must be a string"),
        ({"TableName": "t", "Limit": "5"}, "Limit must be a integer"),
        ({"TableName": "t", "Limit": True}, "Limit must be a integer"),
        ({"TableName": "t", "ConsistentRead": 1}, "ConsistentRead must be a boolean"),
        ({"TableName": "t", "AttributesToGet": "a"}, "AttributesToGet must be a list"),
        ({"TableName": "t", "ExclusiveStartKey": []}, "ExclusiveStartKey must be a map"),
        ({"TableName": "t", "ExclusiveStartKey": {"k": "v"}}, "ExclusiveStartKey.k must be a verbatim"),
    ],
)
def test_plain_params_of_the_wrong_kind_are_refused(params: dict[str, Any], words: str) -> None:
    assert _refusal("dynamodb", "Scan", params) == ("SerializationException", words)


def test_patterns_know_unicode_classes() -> None:
    assert matcher("[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+")("héllo日€1!")
    assert not matcher("[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+")("a b")
    assert matcher("^(?! )[\\p{L}\\p{N}\\p{Z}-_]*(?<! )$")("a-b_ c")
    assert not matcher("\\d+")("١")


def test_every_pattern_of_every_model_can_be_compiled() -> None:
    for service in MODELS.index.protocols:
        for pattern in MODELS.service(service).shapes.patterns():
            assert matcher(pattern)


def test_no_pattern_can_be_made_to_search_for_ever() -> None:
    """Hostile strings against every pattern of every model: the alarm rings if one of them does not return."""
    hostile = [start + body * 5000 for start in ("", "a", "arn:aws:x:") for body in ("a", "0", " ", "a-", "a.", "a:", "/")]
    tried: set[tuple[str, int | None]] = set()
    for service in MODELS.index.protocols:
        for pattern, longest in MODELS.service(service).shapes.patterns().items():
            if (pattern, longest) in tried:
                continue
            tried.add((pattern, longest))
            matches = matcher(pattern)
            with _alarm(2.0, pattern):
                for text in hostile:
                    matches(text[: (longest or 5000) - 1] + "\x00")


def test_what_is_far_too_long_is_refused_for_that_alone() -> None:
    with _alarm(2.0, "S3Bucket"):
        params = {"TableArn": "t" * 10, "S3Bucket": "a" * 100_000}
        assert "Member must have length less than or equal to 255" in _refusal("dynamodb", "ExportTableToPointInTime", params)[1]


def test_safe_patterns_mean_the_same() -> None:
    name, header = matcher("[a-zA-Z](?:-?[a-zA-Z0-9]+)*"), matcher("^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$")
    assert [bool(name(text)) for text in ("a", "ab-c1", "a--b", "a-", "1a", "")] == [True, True, False, False, False, False]
    assert [bool(header(text)) for text in ("a", "\ta b\t", "a\tb", "\t", "", "é")] == [True, True, True, False, False, False]


@contextmanager
def _alarm(seconds: float, what: str) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError(what)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
