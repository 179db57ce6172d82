"""What operations need, from the generated tables."""

from __future__ import annotations

from typing import Any

import pytest

from tule.access.actions import Actions
from tule.access.resource_names import resources
from tule.wire.models import SERVICES, Models

ACCOUNT, REGION = "123456789012", "us-east-1"


def needs(service: str, operation: str, **params: Any) -> list[tuple[str, str]]:
    return [(need.action, need.resource) for need in Actions().needs(service, operation, params, ACCOUNT, REGION)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_every_service_has_its_actions(service: str) -> None:
    actions = Actions()
    for operation, model in Models().service(service).operations.items():
        if actions.is_open(service, operation):
            assert model.get("authtype") == "none" or model.get("auth") == ["smithy.api#noAuth"]
        elif (service, operation) in (("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("dynamodb", "DescribeEndpoints")):
            assert actions.actions_of(service, operation) == []
        else:
            assert actions.actions_of(service, operation), operation
            assert all(":" in action for action in actions.actions_of(service, operation))


EXAMPLES: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    ("sqs", "SendMessage", {"QueueUrl": "http://x/1/q"}, [("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")]),
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-east-1:1:t"}, [("sns:Publish", "arn:aws:sns:us-east-1:1:t")]),
    ("dynamodb", "PutItem", {"TableName": "t"}, [("dynamodb:PutItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t")]),
    (
        "dynamodb",
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}]},
        [
            ("dynamodb:PutItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/a"),
            ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/b"),
        ],
    ),
    (
        "dynamodb",
        "BatchGetItem",
        {"RequestItems": {"a": {}, "b": {}}},
        [("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}") for name in "ab"],
    ),
    ("dynamodb", "ExecuteStatement", {"Statement": "select * from t"}, [("dynamodb:PartiQLSelect", "*")]),
    ("events", "PutRule", {"Name": "r"}, [("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r")]),
    ("events", "PutRule", {"Name": "r", "EventBusName": "b"}, [("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/b/r")]),
    ("apigateway", "GetRestApi", {"restApiId": "x"}, [("apigateway:GET", f"arn:aws:apigateway:{REGION}::/restapis/x")]),
    ("ssm", "GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/b")]),
    (
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "arn:aws:iam::1:role/r"},
        [("lambda:CreateFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"), ("iam:PassRole", "arn:aws:iam::1:role/r")],
    ),
    ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
    ("sts", "GetCallerIdentity", {}, []),
    ("cognito-idp", "InitiateAuth", {}, []),
]


@pytest.mark.parametrize(("service", "operation", "params", "expected"), EXAMPLES)
def test_an_operation_needs_its_actions_on_the_resources_that_its_parameters_name(
    service: str, operation: str, params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needs(service, operation, **params) == expected


def test_a_missing_parameter_leaves_a_wildcard() -> None:
    assert needs("dynamodb", "PutItem") == [("dynamodb:PutItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/*")]


def test_tags_in_a_request_are_condition_keys() -> None:
    for tags in ({"team": "red"}, [{"Key": "team", "Value": "red"}]):
        (need,) = Actions().needs("sqs", "TagQueue", {"QueueUrl": "q", "Tags": tags}, ACCOUNT, REGION)
        assert need.context == {"aws:RequestTag/team": "red", "aws:TagKeys": ["team"]}


def test_a_passed_role_is_told_to_whom_it_is_passed() -> None:
    found = Actions().needs("lambda", "CreateFunction", {"FunctionName": "f", "Role": "arn:aws:iam::1:role/r"}, ACCOUNT, REGION)
    assert found[1].context == {"iam:PassedToService": "lambda.amazonaws.com"}


@pytest.mark.parametrize("name", ["f", "f:live", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:live"])
def test_a_function_has_many_names(name: str) -> None:
    template = "arn:{partition}:lambda:{region}:{account}:function:{FunctionName:function}"
    found, complete = resources(template, {"FunctionName": name}, ACCOUNT, REGION)
    assert (found, complete) == (["arn:aws:lambda:us-east-1:123456789012:function:f"], True)
