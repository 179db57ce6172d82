"""AWS's own SDK for durable functions, unmodified, on a real node."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account, RunningNode
from tests.services.lambda_.functions import create, role, zip_of
from tests.services.lambda_.test_end_to_end import eventually

SDK = find_spec("aws_durable_execution_sdk_python")
pytestmark = pytest.mark.skipif(SDK is None, reason="aws-durable-execution-sdk-python is not installed")

ORDER = """
from aws_durable_execution_sdk_python import DurableContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration, CallbackConfig

@durable_step
def charge(step, amount):
    print("charging", amount)
    return {"charged": amount}

@durable_execution
def handler(event, context: DurableContext):
    paid = context.step(charge(event["amount"]))
    context.wait(Duration.from_seconds(86400), name="cool down")
    halves = context.parallel([lambda c: c.step(lambda s: paid["charged"] / 2), lambda c: c.step(lambda s: 2)])
    approval = context.create_callback(name="approval", config=CallbackConfig(timeout=Duration.from_hours(1)))
    print("CALLBACK", approval.callback_id)
    return {"halves": [item for item in halves.get_results()], "approval": approval.result()}
"""
ALLOW = ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]


def package(code: str) -> bytes:
    """The function with the SDK beside it; boto3 is the runtime's."""
    assert SDK is not None and SDK.origin is not None
    root = Path(SDK.origin).parent
    files: dict[str, str | bytes] = {f"{root.name}/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*.py")}
    return zip_of({"index.py": code, **files})


def durable(aws: Account, code: str) -> None:
    role(aws)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ALLOW, "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="durable", PolicyDocument=json.dumps(document))
    config = {"ExecutionTimeout": 7 * 86_400, "RetentionPeriodInDays": 7}
    create(aws, Code={"ZipFile": package(code)}, DurableConfig=config, Timeout=30, MemorySize=512)


def events(aws: Account, arn: str, kind: str) -> list[dict[str, Any]]:
    history = aws.lambda_.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    return [event for event in history if event["EventType"] == kind]


def test_an_order_is_charged_once_waits_a_day_and_is_approved(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    durable(aws, ORDER)
    arn = aws.lambda_.invoke(FunctionName="f:$LATEST", InvocationType="Event", Payload=json.dumps({"amount": 10}))["DurableExecutionArn"]
    eventually(lambda: events(aws, arn, "InvocationCompleted"))
    node.kill()
    node.start()
    aws = _again(aws, node)
    node.advance(86_401)
    (waiting,) = eventually(lambda: events(aws, arn, "CallbackStarted"))
    aws.lambda_.send_durable_execution_callback_success(CallbackId=waiting["CallbackStartedDetails"]["CallbackId"], Result=b"granted")
    done = eventually(lambda: _ended(aws, arn))
    assert (done["Status"], json.loads(done["Result"])) == ("SUCCEEDED", {"halves": [5.0, 2], "approval": "granted"})
    assert len(events(aws, arn, "StepStarted")) == 3


def _again(aws: Account, node: RunningNode) -> Account:
    """The account's clients, for the address that the node has now."""
    return Account(node, aws.id)


def _ended(aws: Account, arn: str) -> dict[str, Any] | None:
    found = aws.lambda_.get_durable_execution(DurableExecutionArn=arn)
    return found if found["Status"] != "RUNNING" else None
