"""What the tests of Scheduler share: roles and targets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
OFF = {"Mode": "OFF"}


def allow(*actions: str, resource: str = "*") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]})


def role(account: Account, name: str = "clock", *, trust: dict[str, Any] = TRUST, actions: tuple[str, ...] = ("*",)) -> str:
    """The ARN of a role that Scheduler may assume, once it is there."""
    try:
        arn = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    except account.iam.exceptions.EntityAlreadyExistsException:
        return f"arn:aws:iam::{account.id}:role/{name}"
    account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=allow(*actions))
    return arn


def queue(account: Account, name: str = "q") -> str:
    return f"arn:aws:sqs:us-east-1:{account.id}:{name}"


def create(account: Account, name: str = "s", expression: str = "rate(5 minutes)", *, target: dict[str, Any] | None = None, **settings: Any) -> str:
    """The ARN of a new schedule; it calls a queue unless it is told otherwise."""
    wanted = {"Arn": queue(account), "RoleArn": role(account), **(target or {})}
    made = account.scheduler.create_schedule(
        **({"Name": name, "ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": wanted} | settings)
    )
    return made["ScheduleArn"]


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]
