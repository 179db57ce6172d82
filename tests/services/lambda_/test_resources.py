"""Lambda's and CloudWatch Logs' resource types in stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.node import Account
from tests.services.lambda_.functions import TRUST_LAMBDA, arn

SOON: Any = {"Delay": 0.05, "MaxAttempts": 400}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST_LAMBDA}}


def function(**properties: Any) -> dict[str, Any]:
    defaults = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": defaults | properties}


def run(account: Account, operation: str, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
    """Create or update the stack `s`; its outputs."""
    template = {"Resources": {"Role": ROLE} | resources, "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()}}
    change = getattr(account.cloudformation, f"{operation}_stack")
    change(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"], Tags=[{"Key": "team", "Value": "blue"}])
    waiter = account.cloudformation.get_waiter(f"stack_{operation}_complete")
    waiter.wait(StackName="s", WaiterConfig=SOON)
    stack = account.cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def test_a_stack_makes_changes_and_removes_a_function(aws: Account) -> None:
    outputs = {"Name": {"Ref": "F"}, "Arn": {"Fn::GetAtt": ["F", "Arn"]}}
    environment = {"Environment": {"Variables": {"MODE": "one"}}, "MemorySize": 256, "ReservedConcurrentExecutions": 5}
    made = run(aws, "create", {"F": function(**environment, Tags=[{"Key": "a", "Value": "1"}])}, outputs)
    assert made["Arn"] == arn(aws, made["Name"])
    assert made["Name"].startswith("s-F-")
    shown = aws.lambda_.get_function(FunctionName=made["Name"])
    assert (shown["Configuration"]["MemorySize"], shown["Configuration"]["Environment"]["Variables"]) == (256, {"MODE": "one"})
    assert shown["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert {"a": "1", "team": "blue"}.items() <= shown["Tags"].items()
    changed = run(aws, "update", {"F": function(Code={"ZipFile": "def handler(event, context):\n    return 2\n"})}, outputs)
    assert changed == made
    now = aws.lambda_.get_function(FunctionName=made["Name"])
    assert now["Configuration"]["CodeSha256"] != shown["Configuration"]["CodeSha256"]
    assert (now["Configuration"]["MemorySize"], now["Configuration"]["Environment"]["Variables"]) == (128, {})
    assert "Concurrency" not in now
    assert "a" not in now["Tags"]
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    with pytest.raises(ClientError):
        aws.lambda_.get_function(FunctionName=made["Name"])


def test_a_stack_makes_permissions_versions_and_aliases(aws: Account) -> None:
    resources = {
        "F": function(FunctionName="fun"),
        "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
        "A": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "F"}, "FunctionVersion": {"Fn::GetAtt": ["V", "Version"]}, "Name": "live"},
        },
        "P": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "F"},
                "Action": "lambda:InvokeFunction",
                "Principal": "s3.amazonaws.com",
                "SourceAccount": {"Ref": "AWS::AccountId"},
            },
        },
        "R": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {"FunctionName": {"Ref": "F"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
        },
    }
    made = run(aws, "create", resources, {"Alias": {"Ref": "A"}, "Version": {"Ref": "V"}, "Statement": {"Ref": "P"}})
    assert (made["Alias"], made["Version"]) == (arn(aws, "fun") + ":live", arn(aws, "fun") + ":1")
    policy = json.loads(aws.lambda_.get_policy(FunctionName="fun")["Policy"])
    assert [(s["Sid"], s["Condition"]) for s in policy["Statement"]] == [(made["Statement"], {"StringEquals": {"AWS:SourceAccount": aws.id}})]
    assert aws.lambda_.get_function_event_invoke_config(FunctionName="fun")["MaximumRetryAttempts"] == 1
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.lambda_.list_functions()["Functions"] == []


def test_a_stack_makes_changes_and_removes_a_log_group(aws: Account) -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/app", "RetentionInDays": 7}}
    stream = {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "G"}, "LogStreamName": "main"}}
    outputs = {"Name": {"Ref": "G"}, "Arn": {"Fn::GetAtt": ["G", "Arn"]}, "Stream": {"Ref": "S"}}
    made = run(aws, "create", {"G": group, "S": stream}, outputs)
    assert made == {"Name": "/app", "Arn": f"arn:aws:logs:us-east-1:{aws.id}:log-group:/app:*", "Stream": "main"}
    assert aws.logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    run(aws, "update", {"G": {**group, "Properties": {"LogGroupName": "/app", "RetentionInDays": 30}}, "S": stream}, outputs)
    assert aws.logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.logs.describe_log_groups()["logGroups"] == []


def test_a_function_that_cannot_be_made_leaves_nothing_behind(aws: Account) -> None:
    template = {"Resources": {"Role": ROLE, "F": function(ReservedConcurrentExecutions=950)}}
    aws.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.lambda_.list_functions()["Functions"] == []
    assert aws.iam.list_roles()["Roles"] == []
