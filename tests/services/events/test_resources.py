"""EventBridge in stacks: AWS::Events types, and what SAM makes of a function's events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.events.house import put, queue, refusal

WAIT = {"Delay": 1, "MaxAttempts": 60}


def deploy(account: Account, resources: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
    """Make the stack, or change it; its outputs."""
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in (outputs or {}).items()}, **more}
    if not outputs:
        del template["Outputs"]
    params = {"StackName": "s", "TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
    cloudformation = account.cloudformation
    known = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    kind = "update" if "s" in known else "create"
    getattr(cloudformation, f"{kind}_stack")(**params)
    cloudformation.get_waiter(f"stack_{kind}_complete").wait(StackName="s", WaiterConfig=WAIT)
    stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def undo(account: Account) -> None:
    account.cloudformation.delete_stack(StackName="s")
    account.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=WAIT)


def attribute(resource: str, name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, name]}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::Events::{kind}", "Properties": properties}


def test_a_rule_with_its_targets_is_made_changed_and_deleted(aws: Account) -> None:
    one, two = queue(aws, "one"), queue(aws, "two")
    targets = [{"Id": "a", "Arn": one.arn, "InputPath": "$.detail"}, {"Id": "b", "Arn": two.arn}]
    pattern = {"source": ["shop"], "detail": {"n": [{"numeric": [">", 3]}]}}
    got = deploy(aws, {"R": resource("Rule", EventPattern=pattern, Targets=targets)}, {"Name": {"Ref": "R"}, "Arn": attribute("R", "Arn")})
    assert got["Name"].startswith("s-R-")
    assert got["Arn"] == f"arn:aws:events:us-east-1:{aws.id}:rule/{got['Name']}"
    put(aws, {"n": 3})
    put(aws, {"n": 4})
    assert (one.one(), two.one()["detail"]) == ({"n": 4}, {"n": 4})
    changed = resource("Rule", EventPattern={"source": ["other"]}, Targets=targets[:1], Description="d", State="DISABLED")
    deploy(aws, {"R": changed})
    shown = aws.events.describe_rule(Name=got["Name"])
    assert (shown["State"], shown["Description"], json.loads(shown["EventPattern"])) == ("DISABLED", "d", {"source": ["other"]})
    assert [target["Id"] for target in aws.events.list_targets_by_rule(Rule=got["Name"])["Targets"]] == ["a"]
    aws.events.put_targets(Rule=got["Name"], Targets=[{"Id": "by-hand", "Arn": two.arn}])
    undo(aws)
    assert aws.events.list_rules()["Rules"] == []


def test_a_bus_with_policy_rule_and_archive(aws: Account) -> None:
    found = queue(aws)
    statement = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "events:PutEvents", "Resource": "*"}
    resources = {
        "Bus": resource("EventBus", Name="orders", Description="d", Tags=[{"Key": "a", "Value": "b"}]),
        "Account": resource("EventBusPolicy", EventBusName={"Ref": "Bus"}, StatementId="one", Action="events:PutEvents", Principal="111111111111"),
        "Whole": resource("EventBusPolicy", EventBusName={"Ref": "Bus"}, StatementId="two", Statement=statement) | {"DependsOn": "Account"},
        "Rule": resource("Rule", EventBusName={"Ref": "Bus"}, Name="r", EventPattern={"source": ["shop"]}, Targets=[{"Id": "a", "Arn": found.arn}]),
        "Archive": resource("Archive", SourceArn=attribute("Bus", "Arn"), RetentionDays=3, EventPattern={"source": ["shop"]}),
    }
    outputs = {"Bus": {"Ref": "Bus"}, "BusArn": attribute("Bus", "Arn"), "Rule": {"Ref": "Rule"}, "RuleArn": attribute("Rule", "Arn")}
    got = deploy(aws, resources, outputs | {"Archive": {"Ref": "Archive"}, "ArchiveArn": attribute("Archive", "Arn")})
    arn = f"arn:aws:events:us-east-1:{aws.id}:"
    assert got["BusArn"] == arn + "event-bus/orders"
    assert (got["Rule"], got["RuleArn"]) == ("orders|r", arn + "rule/orders/r")
    assert got["ArchiveArn"] == arn + "archive/" + got["Archive"]
    policy = json.loads(aws.events.describe_event_bus(Name="orders")["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["one", "two"]
    put(aws, {"n": 1}, EventBusName="orders")
    assert found.one()["detail"] == {"n": 1}
    assert aws.events.describe_archive(ArchiveName=got["Archive"])["EventCount"] == 1
    del resources["Whole"]
    resources["Bus"]["Properties"]["Description"] = "other"
    deploy(aws, resources)
    described = aws.events.describe_event_bus(Name="orders")
    assert [each["Sid"] for each in json.loads(described["Policy"])["Statement"]] == ["one"]
    assert described["Description"] == "other"
    tags = {tag["Key"]: tag["Value"] for tag in aws.events.list_tags_for_resource(ResourceARN=got["BusArn"])["Tags"]}
    assert tags["a"] == "b"
    undo(aws)
    assert [bus["Name"] for bus in aws.events.list_event_buses()["EventBuses"]] == ["default"]
    assert aws.events.list_archives()["Archives"] == []


def test_a_connection_and_its_destination(aws: Account) -> None:
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}
    resources = {
        "C": resource("Connection", AuthorizationType="API_KEY", AuthParameters=auth),
        "D": resource("ApiDestination", ConnectionArn=attribute("C", "Arn"), HttpMethod="POST", InvocationEndpoint="https://example.com/"),
    }
    names = {
        "C": {"Ref": "C"},
        "D": {"Ref": "D"},
        "Arn": attribute("D", "Arn"),
        "Policy": attribute("D", "ArnForPolicy"),
        "Secret": attribute("C", "SecretArn"),
    }
    got = deploy(aws, resources, names)
    assert got["Arn"].startswith(f"arn:aws:events:us-east-1:{aws.id}:api-destination/{got['D']}/")
    assert got["Arn"].startswith(got["Policy"] + "/")
    assert ":secret:events!connection/" in got["Secret"]
    resources["D"]["Properties"]["HttpMethod"] = "PUT"
    deploy(aws, resources)
    assert aws.events.describe_api_destination(Name=got["D"])["HttpMethod"] == "PUT"
    undo(aws)
    assert refusal(aws.events.describe_connection, Name=got["C"])[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("kind", ["Rule", "EventBus"])
def test_what_somebody_has_is_not_taken(aws: Account, kind: str) -> None:
    if kind == "Rule":
        aws.events.put_rule(Name="mine", ScheduleExpression="rate(1 day)", State="DISABLED")
        properties: dict[str, Any] = {"ScheduleExpression": "rate(1 hour)"}
    else:
        aws.events.create_event_bus(Name="mine")
        properties = {}
    template = {"Resources": {"R": resource(kind, Name="mine", **properties)}}
    aws.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), OnFailure="DELETE")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=WAIT)
    if kind == "Rule":
        assert aws.events.describe_rule(Name="mine")["ScheduleExpression"] == "rate(1 day)"
    else:
        assert aws.events.describe_event_bus(Name="mine")["Name"] == "mine"


CODE = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


def test_the_events_of_a_function_in_sam(turned: Account) -> None:
    found = queue(turned)
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "InlineCode": CODE,
            "Timeout": 30,
            "Environment": {"Variables": {"QUEUE": found.url}},
            "Policies": [{"SQSSendMessagePolicy": {"QueueName": "q"}}],
            "Events": {
                "Bus": {"Type": "EventBridgeRule", "Properties": {"Pattern": {"source": ["shop"]}, "InputPath": "$.detail"}},
                "Old": {"Type": "CloudWatchEvent", "Properties": {"Pattern": {"source": ["old"]}}},
                "Daily": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)", "Input": '"daily"'}},
            },
        },
    }
    deploy(turned, {"F": function}, Transform="AWS::Serverless-2016-10-31")
    put(turned, {"n": 1})
    assert found.one() == {"n": 1}
    put(turned, {"n": 2}, source="old")
    assert found.one()["detail"] == {"n": 2}
    turned.node.advance(86_400 + 60)
    assert found.one() == "daily"
    undo(turned)
    assert turned.events.list_rules()["Rules"] == []
