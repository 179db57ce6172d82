"""What the tests of EventBridge share: queues that rules may send to, events, and what a client was refused with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.node import Account

ALL = [{"prefix": ""}]


class Queue(NamedTuple):
    account: Account
    url: str
    arn: str

    def texts(self, count: int) -> list[str]:
        """The bodies of `count` messages, which are waited for."""
        found: list[str] = []
        while len(found) < count:
            messages = self.account.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=10).get("Messages", [])
            assert messages, f"{len(found)} of {count} messages came"
            for message in messages:
                self.account.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message["Body"])
        assert len(found) == count
        return found

    def events(self, count: int) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts(count)]

    def one(self) -> dict[str, Any]:
        return self.events(1)[0]

    def is_empty(self) -> bool:
        """Nothing has come; to be asked when all that could come has had its turn."""
        return "Messages" not in self.account.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=0)

    def letter(self) -> dict[str, Any]:
        """A message with its attributes."""
        return self.account.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"][0]


def queue(account: Account, name: str = "q", *, policy: dict[str, Any] | None = None, **attributes: str) -> Queue:
    """A queue that EventBridge may send to."""
    url = account.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    document = policy or {"Version": "2012-10-17", "Statement": [allowed]}
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(document)})
    return Queue(account, url, arn)


def rule(
    account: Account, pattern: dict[str, Any] | None = None, *targets: dict[str, Any], name: str = "r", bus: str = "default", **more: Any
) -> str:
    """A rule with targets, `{"Arn": ...}` at least; its ARN."""
    if "ScheduleExpression" not in more:
        more["EventPattern"] = json.dumps(pattern or {"source": ALL})
    arn = account.events.put_rule(Name=name, EventBusName=bus, **more)["RuleArn"]
    if targets:
        numbered = [{"Id": f"t{number}", **target} for number, target in enumerate(targets)]
        account.events.put_targets(Rule=name, EventBusName=bus, Targets=numbered)
    return arn


def put(account: Account, detail: Any = None, *, source: str = "shop", kind: str = "order", **more: Any) -> str:
    """Put one event; its id."""
    text = detail if isinstance(detail, str) else json.dumps(detail or {})
    answer = account.events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": text, **more}])
    assert answer["FailedEntryCount"] == 0, answer
    return answer["Entries"][0]["EventId"]


def role(account: Account, name: str, statements: list[dict[str, Any]], service: str = "events.amazonaws.com") -> str:
    """The ARN of a role that a service may assume, allowed what the statements say."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": statements}
    account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    return arn


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def refusal(operation: Callable[..., Any], **params: Any) -> tuple[str, str]:
    """Code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        operation(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
