"""Calls written as SDKs name them, against the real models."""

from __future__ import annotations

from typing import Any

import pytest

from tule.core.errors import ServiceError
from tule.platform.sdk_calls import call
from tule.wire.http import Body
from tule.wire.models import Models

MODELS = Models()


@pytest.mark.parametrize(
    ("service", "action", "given", "expected"),
    [
        ("sqs", "sendMessage", {"QueueUrl": "u", "MessageBody": "b"}, ("sqs", "SendMessage", {"QueueUrl": "u", "MessageBody": "b"})),
        (
            "sfn",
            "startExecution",
            {"StateMachineArn": "a", "Input": "{}"},
            ("stepfunctions", "StartExecution", {"stateMachineArn": "a", "input": "{}"}),
        ),
        ("lambda", "invoke", {"FunctionName": "f", "Payload": {"a": 1}}, ("lambda", "Invoke", {"FunctionName": "f", "Payload": b'{"a":1}'})),
        ("lambda", "invoke", {"FunctionName": "f", "Payload": '{"a": 1}'}, ("lambda", "Invoke", {"FunctionName": "f", "Payload": b'{"a": 1}'})),
        (
            "cognitoidentityprovider",
            "adminCreateUser",
            {"UserPoolId": "p", "Username": "u", "UserAttributes": [{"Name": "n", "Value": "v"}], "ClientMetadata": {"Key": "As it is"}},
            (
                "cognito-idp",
                "AdminCreateUser",
                {"UserPoolId": "p", "Username": "u", "UserAttributes": [{"Name": "n", "Value": "v"}], "ClientMetadata": {"Key": "As it is"}},
            ),
        ),
        (
            "scheduler",
            "createSchedule",
            {"Name": "s", "StartDate": "2026-03-25T12:00:00Z", "Unknown": 1},
            ("scheduler", "CreateSchedule", {"Name": "s", "StartDate": 1774440000.0}),
        ),
        (
            "cloudwatchlogs",
            "putLogEvents",
            {"LogEvents": [{"Timestamp": 1, "Message": "m"}]},
            ("logs", "PutLogEvents", {"logEvents": [{"timestamp": 1, "message": "m"}]}),
        ),
    ],
)
def test_names_become_the_models(service: str, action: str, given: dict[str, Any], expected: tuple[str, str, dict[str, Any]]) -> None:
    assert call(MODELS, service, action, given) == expected


def test_a_streamed_body_is_text() -> None:
    body = call(MODELS, "s3", "putObject", {"Bucket": "b", "Key": "k", "Body": "text"}).params["Body"]
    assert isinstance(body, Body)
    assert body.length == 4


@pytest.mark.parametrize(("service", "action"), [("sqs", "sendNothing"), ("nothing", "sendMessage")])
def test_what_no_model_knows_is_not_built(service: str, action: str) -> None:
    with pytest.raises(ServiceError) as error:
        call(MODELS, service, action, {})
    assert error.value.code == "NotImplemented"
