"""Functions that trigger themselves are stopped, by what the trace header says of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.lambda_.functions import create, role
from tests.services.lambda_.house import ACCOUNT, REGION, House, Run
from tests.services.lambda_.test_asynchronous import QUEUE, record_calls
from tests.services.lambda_.test_end_to_end import eventually, logged
from tule.access.principal import aws_service, root
from tule.core import trace as traces
from tule.core.errors import ServiceError
from tule.core.ids import Ids

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
MESSAGE = "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation."


async def invoke(house: House, trace: str | None, **how: Any) -> dict[str, Any]:
    params = {"FunctionName": "fun", "Payload": b"{}", **how}
    return await house.node.dispatcher.invoke("lambda", "Invoke", params, principal=root(ACCOUNT), region=REGION, trace=trace)


async def test_a_function_that_invokes_itself_is_stopped_after_sixteen_rounds(house: House) -> None:
    await house.function()

    async def again(run: Run) -> Any:
        await invoke(house, run.trace, InvocationType="Event")

    house.compute.behave = again
    await invoke(house, None, InvocationType="Event")
    await house.settle()
    assert len(house.compute.runs) == 16
    roots = {traces.parse(run.trace).root for run in house.compute.runs}  # type: ignore[union-attr]
    assert len(roots) == 1


async def test_the_event_that_is_not_let_in_goes_to_the_queue(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.function(actions=["sqs:SendMessage"], DeadLetterConfig={"TargetArn": QUEUE})
    target = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}}
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", DestinationConfig=target)
    sent = record_calls(house, monkeypatch, "sqs")
    await invoke(house, f"Root=1-00000000-000000000000000000000000;Lineage={traces.mark(ARN)}:16", InvocationType="Event")
    await house.settle()
    assert house.compute.runs == []
    told, letter = (params for _, params, _ in sent)
    record = json.loads(told["MessageBody"])
    assert record["responsePayload"] == {"errorMessage": MESSAGE, "errorType": "RecursiveInvocationException"}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == MESSAGE
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "400"


async def test_who_waits_for_the_answer_is_refused(house: House) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await invoke(house, f"Root=1-00000000-000000000000000000000000;Lineage={traces.mark(ARN)}:16")
    assert (error.value.code, error.value.message, error.value.status) == ("RecursiveInvocationException", MESSAGE, 400)


async def test_a_function_may_be_allowed_to_trigger_itself(house: House) -> None:
    await house.function()
    assert await house.lam("GetFunctionRecursionConfig", FunctionName="fun") == {"RecursiveLoop": "Terminate"}
    assert await house.lam("PutFunctionRecursionConfig", FunctionName="fun", RecursiveLoop="Allow") == {"RecursiveLoop": "Allow"}
    await invoke(house, f"Root=1-00000000-000000000000000000000000;Lineage={traces.mark(ARN)}:16")
    assert traces.parse(house.compute.runs[0].trace).count(ARN) == 17  # type: ignore[union-attr]


async def test_others_in_the_chain_are_counted_by_themselves(house: House) -> None:
    await house.function()
    await invoke(house, "Root=1-00000000-000000000000000000000000;Parent=00000000000000aa;Sampled=1;Lineage=aaaaaaaa:40|bbbbbbbb:2")
    assert house.compute.runs[0].trace is not None
    told = traces.parse(house.compute.runs[0].trace)
    assert told is not None
    assert (told.root, told.sampled) == ("1-00000000-000000000000000000000000", "1")
    assert told.parent not in ("", "00000000000000aa")
    assert told.lineage == (("aaaaaaaa", 40), ("bbbbbbbb", 2), (traces.mark(ARN), 1))


@pytest.mark.parametrize(("mode", "sampled"), [("Active", "1"), ("PassThrough", "0")])
async def test_a_trace_begins_with_the_invocation_when_there_is_none(house: House, mode: str, sampled: str) -> None:
    await house.function(TracingConfig={"Mode": mode})
    await invoke(house, None)
    told = traces.parse(house.compute.runs[0].trace)
    assert told is not None
    assert (told.sampled, told.count(ARN)) == (sampled, 1)


@pytest.mark.parametrize("header", ["", "nonsense", "Parent=1;Sampled=1", "Lineage=a:1"])
def test_a_header_without_a_root_is_none(header: str) -> None:
    assert traces.parse(header) is None


def test_a_header_is_read_as_it_is_written() -> None:
    begun = traces.begin(Ids(seed=1), 1_700_000_000_000)
    through = begun.through("a", "1" * 16, "1").through("b", "2" * 16, "1").through("a", "3" * 16, "1")
    assert traces.parse(str(through)) == through
    assert (through.count("a"), through.count("b"), through.count("c")) == (2, 1, 0)
    assert traces.parse("Root=1-a;Lineage=|x|:|a:b|ok:3") == traces.Trace("1-a", lineage=(("ok", 3),))


LOOP = """
import boto3, os
queue = boto3.client("sqs")
def handler(event, context):
    print("ROUND")
    queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody="again")
"""
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_loop_through_a_queue_ends(aws: Account) -> None:
    queue = aws.sqs.create_queue(QueueName="loop")["QueueUrl"]
    role(aws)
    aws.iam.put_role_policy(RoleName="runner", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    create(aws, code=LOOP, Timeout=10, MemorySize=256, Environment={"Variables": {"QUEUE": queue}})
    source = f"arn:aws:sqs:us-east-1:{aws.id}:loop"
    mapping = aws.lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=source, BatchSize=1)["UUID"]
    aws.lambda_.invoke(FunctionName="f")
    eventually(lambda: len(logged(aws, "ROUND")) >= 16)
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = eventually(lambda: _sum(aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=attributes)["Attributes"]))
    assert left == 1  # the message that no round may take
    assert len(logged(aws, "ROUND")) == 16
    aws.lambda_.delete_event_source_mapping(UUID=mapping)


def _sum(attributes: dict[str, str]) -> int:
    return sum(map(int, attributes.values()))


async def test_what_events_bring_is_no_loop(house: House) -> None:
    """AWS: other services than SQS, SNS and S3 take no part in the detection."""
    await house.function()
    for service in ("events", "s3"):
        permission = {"StatementId": service, "Action": "lambda:InvokeFunction", "Principal": f"{service}.amazonaws.com"}
        await house.lam("AddPermission", FunctionName="fun", **permission)
    trace = f"Root=1-00000000-000000000000000000000000;Lineage={traces.mark(ARN)}:3"
    for service in ("events", "s3"):
        await house.node.dispatcher.invoke(
            "lambda",
            "Invoke",
            {"FunctionName": ARN, "InvocationType": "Event", "Payload": b"{}"},
            principal=aws_service(f"{service}.amazonaws.com", ACCOUNT),
            region=REGION,
            account=ACCOUNT,
            trace=trace,
        )
        await house.settle()
    counts = [traces.parse(run.trace).count(ARN) for run in house.compute.runs]  # type: ignore[union-attr]
    assert counts == [1, 4]
