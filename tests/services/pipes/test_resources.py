"""Pipes in stacks, and who may make them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.pipes.house import TRUST

SOON: Any = {"Delay": 0.05, "MaxAttempts": 400}


def role(*actions: str) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": [{"PolicyName": "p", "PolicyDocument": document}]},
    }


def resources(*actions: str, **pipe: Any) -> dict[str, Any]:
    given = {
        "Source": {"Fn::GetAtt": ["In", "Arn"]},
        "Target": {"Fn::GetAtt": ["Out", "Arn"]},
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    return {
        "In": {"Type": "AWS::SQS::Queue"},
        "Out": {"Type": "AWS::SQS::Queue"},
        "Role": role(*(actions or ("sqs:*",))),
        "Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": given | pipe},
    }


def run(account: Account, operation: str, made: dict[str, Any]) -> dict[str, str]:
    outputs = {"Name": {"Ref": "Pipe"}, "In": {"Ref": "In"}, "Out": {"Ref": "Out"}}
    outputs |= {name: {"Fn::GetAtt": ["Pipe", name]} for name in ("Arn", "CurrentState")}
    template = {"Resources": made, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}
    change = getattr(account.cloudformation, f"{operation}_stack")
    change(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    account.cloudformation.get_waiter(f"stack_{operation}_complete").wait(StackName="s", WaiterConfig=SOON)
    (stack,) = account.cloudformation.describe_stacks(StackName="s")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def through(account: Account, made: dict[str, str], body: str) -> str:
    account.sqs.send_message(QueueUrl=made["In"], MessageBody=body)
    (message,) = account.sqs.receive_message(QueueUrl=made["Out"], WaitTimeSeconds=20)["Messages"]
    account.sqs.delete_message(QueueUrl=made["Out"], ReceiptHandle=message["ReceiptHandle"])
    return message["Body"]


def test_a_stack_makes_changes_and_removes_a_pipe(aws: Account) -> None:
    made = run(aws, "create", resources(TargetParameters={"InputTemplate": "<$.body.n>"}, Tags={"a": "1"}))
    assert (made["Arn"], made["CurrentState"]) == (f"arn:aws:pipes:us-east-1:{aws.id}:pipe/{made['Name']}", "RUNNING")
    assert through(aws, made, '{"n": 1}') == "1"
    assert aws.pipes.describe_pipe(Name=made["Name"])["Tags"]["a"] == "1"
    assert run(aws, "update", resources(Description="changed", Tags={"b": "2"}))["Name"] == made["Name"]
    assert json.loads(through(aws, made, "plain"))["body"] == "plain"
    shown = aws.pipes.describe_pipe(Name=made["Name"])
    assert (shown["Description"], shown["CurrentState"], shown["Tags"].get("b"), "a" in shown["Tags"]) == ("changed", "RUNNING", "2", False)
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=SOON)
    with pytest.raises(ClientError):
        aws.pipes.describe_pipe(Name=made["Name"])


def test_a_pipe_that_cannot_run_fails_its_stack(aws: Account) -> None:
    with pytest.raises(Exception, match="ROLLBACK"):
        run(aws, "create", resources("sqs:SendMessage"))
    events = aws.cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events if event["ResourceType"] == "AWS::Pipes::Pipe"]
    assert any("did not stabilize" in reason and "permissions to call ReceiveMessage on SQS" in reason for reason in reasons)
    assert aws.pipes.list_pipes()["Pipes"] == []


def test_who_gives_a_pipe_a_role_must_be_allowed_to_pass_it(aws: Account) -> None:
    arn = aws.iam.create_role(RoleName="pipe", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    client = aws.client("pipes", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    def allow(*statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document)

    def create(name: str) -> None:
        source, target = (f"arn:aws:sqs:us-east-1:{aws.id}:{queue}" for queue in ("in", "out"))
        client.create_pipe(Name=name, Source=source, Target=target, RoleArn=arn)

    own = {"Effect": "Allow", "Action": "pipes:CreatePipe", "Resource": f"arn:aws:pipes:us-east-1:{aws.id}:pipe/mine"}
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": arn,
        "Condition": {"StringEquals": {"iam:PassedToService": "pipes.amazonaws.com"}},
    }
    allow(own)
    with pytest.raises(ClientError, match="iam:PassRole"):
        create("mine")
    allow(own, passing)
    create("mine")
    with pytest.raises(ClientError, match="pipes:CreatePipe"):
        create("other")
