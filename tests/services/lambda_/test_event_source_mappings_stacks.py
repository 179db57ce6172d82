"""AWS::Lambda::EventSourceMapping in stacks, and events of functions in SAM templates."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.lambda_.functions import TRUST_LAMBDA

SOON: Any = {"Delay": 0.05, "MaxAttempts": 400}
POLICY = {
    "PolicyName": "source",
    "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]},
}
RESOURCES: dict[str, Any] = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST_LAMBDA, "Policies": [POLICY]}},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
        },
    },
}


def run(account: Account, operation: str, template: dict[str, Any]) -> dict[str, str]:
    change = getattr(account.cloudformation, f"{operation}_stack")
    change(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    account.cloudformation.get_waiter(f"stack_{operation}_complete").wait(StackName="s", WaiterConfig=SOON)
    stack = account.cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def template(**properties: Any) -> dict[str, Any]:
    wanted = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, **properties}
    outputs = {"Id": {"Value": {"Ref": "Mapping"}}, "Arn": {"Value": {"Fn::GetAtt": ["Mapping", "EventSourceMappingArn"]}}}
    return {"Resources": {**RESOURCES, "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": wanted}}, "Outputs": outputs}


def test_a_stack_makes_changes_and_removes_a_mapping(aws: Account) -> None:
    made = run(aws, "create", template(BatchSize=3, Tags=[{"Key": "my", "Value": "tag"}]))
    shown = aws.lambda_.get_event_source_mapping(UUID=made["Id"])
    assert (shown["BatchSize"], shown["EventSourceMappingArn"]) == (3, made["Arn"])
    tags = aws.lambda_.list_tags(Resource=made["Arn"])["Tags"]
    assert tags["my"] == "tag"
    assert tags["aws:cloudformation:logical-id"] == "Mapping"
    filters = {"Filters": [{"Pattern": '{"body": {"kind": ["a"]}}'}]}
    assert run(aws, "update", template(FilterCriteria=filters)) == made
    shown = aws.lambda_.get_event_source_mapping(UUID=made["Id"])
    assert (shown["BatchSize"], shown["FilterCriteria"]) == (10, filters)
    assert "my" not in aws.lambda_.list_tags(Resource=made["Arn"])["Tags"]
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.lambda_.list_event_source_mappings()["EventSourceMappings"] == []


def test_events_of_a_sam_function_are_mappings(aws: Account) -> None:
    events = {
        "Jobs": {
            "Type": "SQS",
            "Properties": {
                "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 4,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["a"]}}'}]},
                "ScalingConfig": {"MaximumConcurrency": 3},
            },
        },
        "Clicks": {
            "Type": "Kinesis",
            "Properties": {"Stream": {"Fn::GetAtt": ["Stream", "Arn"]}, "StartingPosition": "LATEST", "MaximumRetryAttempts": 3},
        },
    }
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "InlineCode": "def handler(event, context):\n    pass\n",
            "Events": events,
        },
    }
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
    resources = {"Queue": RESOURCES["Queue"], "Stream": stream, "Function": function}
    run(aws, "create", {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources})
    found = {one["EventSourceArn"].split(":")[2]: one for one in aws.lambda_.list_event_source_mappings()["EventSourceMappings"]}
    assert found["sqs"]["BatchSize"] == 4
    assert found["sqs"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["sqs"]["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert (found["kinesis"]["StartingPosition"], found["kinesis"]["MaximumRetryAttempts"]) == ("LATEST", 3)
