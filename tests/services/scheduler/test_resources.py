"""Scheduler's resource types in stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.scheduler.given import TRUST, create, queue

SOON: Any = {"Delay": 0.05, "MaxAttempts": 400}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
GROUP = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Tags": [{"Key": "a", "Value": "1"}]}}


def schedule(account: Account, **properties: Any) -> dict[str, Any]:
    defaults = {
        "GroupName": {"Ref": "Group"},
        "ScheduleExpression": "cron(0 0 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60},
        "Target": {"Arn": queue(account), "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
    }
    return {"Type": "AWS::Scheduler::Schedule", "Properties": defaults | properties}


def run(account: Account, operation: str, resources: dict[str, Any]) -> dict[str, str]:
    outputs = {"Name": {"Ref": "S"}, "Group": {"Ref": "Group"}, "Arn": {"Fn::GetAtt": ["S", "Arn"]}, "GroupArn": {"Fn::GetAtt": ["Group", "Arn"]}}
    template = {"Resources": {"Role": ROLE, "Group": GROUP} | resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}
    change = getattr(account.cloudformation, f"{operation}_stack")
    change(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    account.cloudformation.get_waiter(f"stack_{operation}_complete").wait(StackName="s", WaiterConfig=SOON)
    (stack,) = account.cloudformation.describe_stacks(StackName="s")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_stack_makes_changes_and_removes_a_schedule_and_its_group(aws: Account) -> None:
    ecs = {
        "TaskDefinitionArn": f"arn:aws:ecs:us-east-1:{aws.id}:task-definition/t:1",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
        "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
    }
    target = {"Arn": f"arn:aws:ecs:us-east-1:{aws.id}:cluster/c", "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "EcsParameters": ecs}
    made = run(aws, "create", {"S": schedule(aws, StartDate="2999-01-01T00:00:00.000Z")})
    assert made["Arn"] == f"arn:aws:scheduler:us-east-1:{aws.id}:schedule/{made['Group']}/{made['Name']}"
    assert made["GroupArn"] == f"arn:aws:scheduler:us-east-1:{aws.id}:schedule-group/{made['Group']}"
    shown = aws.scheduler.get_schedule(Name=made["Name"], GroupName=made["Group"])
    assert (shown["FlexibleTimeWindow"], shown["State"], shown["StartDate"].year) == (
        {"MaximumWindowInMinutes": 60, "Mode": "FLEXIBLE"},
        "ENABLED",
        2999,
    )
    assert run(aws, "update", {"S": schedule(aws, State="DISABLED", Target=target)}) == made
    now = aws.scheduler.get_schedule(Name=made["Name"], GroupName=made["Group"])
    assert now["State"] == "DISABLED"
    assert "StartDate" not in now
    assert now["Target"]["EcsParameters"] == {
        "TaskDefinitionArn": ecs["TaskDefinitionArn"],
        "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"]}},
        "CapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
    }
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.scheduler.list_schedules()["Schedules"] == []


def test_a_schedule_that_somebody_has_is_not_taken(aws: Account) -> None:
    create(aws, "mine")
    template = {"Resources": {"Role": ROLE, "S": schedule(aws, Name="mine", GroupName="default")}}
    aws.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    with pytest.raises(Exception, match="ROLLBACK"):
        aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=SOON)
    assert aws.scheduler.get_schedule(Name="mine")["ScheduleExpression"] == "rate(5 minutes)"


def test_dates_are_written_in_one_way(aws: Account) -> None:
    template = {"Resources": {"Role": ROLE, "S": schedule(aws, GroupName="default", StartDate="2999-01-01T00:00:00Z")}}
    aws.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    with pytest.raises(Exception, match="ROLLBACK"):
        aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=SOON)
    events = aws.cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert any("StartDate needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ" in event.get("ResourceStatusReason", "") for event in events)
    with pytest.raises(ClientError):
        aws.scheduler.get_schedule(Name="S")
