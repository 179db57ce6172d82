"""Nothing on its way through a pipe is lost when the node is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.node import Account, RunningNode
from tests.services.pipes.house import TRUST, allow

MESSAGES = 300


def drained(account: Account, url: str, found: set[str]) -> set[str]:
    while messages := account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found |= {message["Body"] for message in messages}
        entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
        account.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def test_every_message_arrives_through_two_kills(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    urls = {name: account.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3"})["QueueUrl"] for name in ("in", "out")}
    role = account.iam.create_role(RoleName="pipe", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    account.iam.put_role_policy(RoleName="pipe", PolicyName="p", PolicyDocument=allow("sqs:*"))
    arns = {name: f"arn:aws:sqs:us-east-1:{account.id}:{name}" for name in urls}
    template: dict[str, Any] = {"InputTemplate": '{"n": <$.body.n>}'}
    account.pipes.create_pipe(Name="p", Source=arns["in"], Target=arns["out"], RoleArn=role, TargetParameters=template)
    for first in range(0, MESSAGES, 10):
        entries = [{"Id": str(n), "MessageBody": json.dumps({"n": n})} for n in range(first, first + 10)]
        account.sqs.send_message_batch(QueueUrl=urls["in"], Entries=entries)
        if first in (100, 200):
            node.kill()
            node = start_node()
            account = Account(node, account.id)
            urls = {name: f"{node.url}/{account.id}/{name}" for name in urls}
    found: set[str] = set()
    end = time.monotonic() + 60
    while len(drained(account, urls["out"], found)) < MESSAGES:
        assert time.monotonic() < end, f"only {len(found)} arrived"
        time.sleep(0.02)
    assert found == {f'{{"n": {n}}}' for n in range(MESSAGES)}
