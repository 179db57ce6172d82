"""Asynchronous invocations are durable, retried as on AWS, and handed on when they fail for good."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, fail, succeed
from tule.access.principal import Principal
from tule.core.errors import ServiceError
from tule.services.lambda_.asynchronous import throttled_delay_ms
from tule.services.lambda_.concurrency import Share
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.running import functions

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"


async def test_an_event_runs_once_with_the_id_that_was_answered(house: House) -> None:
    await house.function()
    await house.event({"n": 9007199254740993})
    await house.settle()
    assert [run.payload for run in house.compute.runs] == [{"n": 9007199254740993}]


async def test_a_failing_event_is_tried_after_one_and_after_two_more_minutes_with_one_request_id(house: House) -> None:
    await house.function()
    house.compute.behave = fail
    await house.event()
    await house.settle()
    assert len(house.compute.runs) == 1
    await house.advance(30)  # far from the due time, as the clock goes on by itself, too
    assert len(house.compute.runs) == 1
    await house.advance(31)
    assert len(house.compute.runs) == 2
    await house.advance(60)
    assert len(house.compute.runs) == 2
    await house.advance(61)
    assert len(house.compute.runs) == 3
    await house.advance(3600)
    assert len(house.compute.runs) == 3
    assert len({run.request_id for run in house.compute.runs}) == 1


async def test_a_retry_that_works_ends_the_event(house: House) -> None:
    await house.function()
    house.compute.behave = fail
    await house.event()
    await house.settle()
    house.compute.behave = succeed
    await house.advance(4 * 3600)
    assert len(house.compute.runs) == 2


async def test_the_functions_configuration_says_how_often_it_is_tried(house: House) -> None:
    await house.function()
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", MaximumRetryAttempts=0)
    house.compute.behave = fail
    await house.event()
    await house.advance(3600)
    assert len(house.compute.runs) == 1


async def test_a_throttled_event_waits_without_using_up_its_attempts(house: House) -> None:
    await house.function()
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=1)
    house.compute.behave = fail
    concurrency = functions(house.node).concurrency
    slot = concurrency.enter(FunctionRef(ACCOUNT, REGION, "fun"), Share("fun", reserved=1))  # somebody runs all the while
    await house.event()
    await house.advance(600)
    assert house.compute.runs == []
    concurrency.leave(slot)
    await house.advance(1200)
    assert len(house.compute.runs) == 3


async def test_an_event_that_is_too_old_is_given_up(house: House) -> None:
    await house.function()
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", MaximumEventAgeInSeconds=60)
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=1)
    concurrency = functions(house.node).concurrency
    slot = concurrency.enter(FunctionRef(ACCOUNT, REGION, "fun"), Share("fun", reserved=1))
    await house.event()
    await house.advance(300)
    concurrency.leave(slot)
    await house.advance(3600)
    assert house.compute.runs == []


async def test_a_dead_event_goes_to_the_queue_under_the_functions_role(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.function(actions=["sqs:SendMessage"], DeadLetterConfig={"TargetArn": QUEUE})
    sent = record_calls(house, monkeypatch, "sqs")
    house.compute.behave = fail
    await house.event({"order": 7})
    await house.advance(600)
    assert len(sent) == 1
    operation, params, principal = sent[0]
    assert operation == "SendMessage"
    assert params["QueueUrl"].endswith(f"/{ACCOUNT}/dead")
    assert json.loads(params["MessageBody"]) == {"order": 7}
    assert params["MessageAttributes"]["RequestID"]["StringValue"] == house.compute.runs[0].request_id
    assert params["MessageAttributes"]["ErrorMessage"]["StringValue"] == "boom"
    assert principal.entity_arn == f"arn:aws:iam::{ACCOUNT}:role/fun-role"


async def test_a_destination_is_told_how_it_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.function(actions=["sqs:SendMessage"])
    targets = {
        "OnSuccess": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:good"},
        "OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:bad"},
    }
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", DestinationConfig=targets)
    sent = record_calls(house, monkeypatch, "sqs")
    await house.event({"n": 9007199254740993})
    await house.settle()
    house.compute.behave = fail
    await house.event({"n": 1})
    await house.advance(600)
    good, bad = (json.loads(params["MessageBody"]) for _, params, _ in sent)
    assert [params["QueueUrl"].rpartition("/")[2] for _, params, _ in sent] == ["good", "bad"]
    assert good["requestPayload"] == good["responsePayload"] == {"n": 9007199254740993}
    assert good["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert good["requestContext"] == {
        "requestId": house.compute.runs[0].request_id,
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert (bad["requestContext"]["condition"], bad["requestContext"]["approximateInvokeCount"]) == ("RetriesExhausted", 3)
    assert bad["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert bad["responsePayload"]["errorMessage"] == "boom"


async def test_an_event_whose_next_attempt_would_come_too_late_ends_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.function(actions=["sqs:SendMessage"])
    target = {"OnFailure": {"Destination": QUEUE}}
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", MaximumEventAgeInSeconds=60, DestinationConfig=target)
    sent = record_calls(house, monkeypatch, "sqs")
    house.compute.behave = fail
    await house.event()
    await house.settle()
    context = json.loads(sent[0][1]["MessageBody"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)


async def test_a_function_can_be_the_destination_of_another(house: House) -> None:
    await house.function(actions=["lambda:InvokeFunction"])
    await house.function("next")
    target = {"OnSuccess": {"Destination": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:next"}}
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", DestinationConfig=target)
    await house.event({"a": 1})
    await house.settle()
    assert [run.spec.name for run in house.compute.runs] == ["fun", "next"]
    assert house.compute.runs[-1].payload["responsePayload"] == {"a": 1}
    await house.call("iam", "DeleteRolePolicy", RoleName="fun-role", PolicyName="actions")
    await house.event({"a": 2})
    await house.settle()
    assert [run.spec.name for run in house.compute.runs] == ["fun", "next", "fun"]  # its role may not invoke the other any more


async def test_targets_that_the_role_may_not_send_to_are_refused(house: House) -> None:
    await house.function()
    queue = (await house.call("sqs", "CreateQueue", QueueName="dead"))["QueueUrl"]
    attributes = await house.call("sqs", "GetQueueAttributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    topic = (await house.call("sns", "CreateTopic", Name="dead"))["TopicArn"]
    for target, told in ((arn, "SendMessage on SQS"), (topic, "Publish on SNS")):
        with pytest.raises(ServiceError) as error:
            await house.lam("UpdateFunctionConfiguration", FunctionName="fun", DeadLetterConfig={"TargetArn": target})
        assert (error.value.code, error.value.message) == (
            "InvalidParameterValueException",
            f"The provided execution role does not have permissions to call {told}",
        )
    with pytest.raises(ServiceError) as error:
        await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", DestinationConfig={"OnFailure": {"Destination": arn}})
    assert error.value.message == f"The function's execution role does not have permissions to call SendMessage on {arn}"


async def test_a_bucket_keeps_the_records_of_failures(house: House) -> None:
    await house.function()
    await house.call("s3", "CreateBucket", Bucket="failures")
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
    await house.call("iam", "PutRolePolicy", RoleName="fun-role", PolicyName="put", PolicyDocument=json.dumps(allowed))
    target = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
    await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", MaximumRetryAttempts=0, DestinationConfig=target)
    house.compute.behave = fail
    await house.event()
    await house.settle()
    kept = (await house.call("s3", "ListObjectsV2", Bucket="failures"))["Contents"]
    assert len(kept) == 1
    assert kept[0]["Key"].startswith("aws/lambda/async/fun/20")


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun", "You can't specify the function as a destination for itself."),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nope", f"The destination ARN arn:aws:lambda:{REGION}:{ACCOUNT}:function:nope is invalid."),
        (
            f"arn:aws:iam:{REGION}:{ACCOUNT}:function:fun",
            f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:{REGION}:{ACCOUNT}:function:fun),"
            " onFailure=null) is invalid.",
        ),
        (f"{QUEUE}.fifo", f"The destination ARN {QUEUE}.fifo is invalid."),
        ("arn:aws:s3:::bucket", "Amazon S3 buckets are only supported as on-failure destinations."),
    ],
    ids=["itself", "missing", "service", "fifo", "bucket"],
)
async def test_what_cannot_be_a_destination_is_refused(house: House, arn: str, words: str) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.lam("PutFunctionEventInvokeConfig", FunctionName="fun", DestinationConfig={"OnSuccess": {"Destination": arn}})
    assert error.value.message == words


async def test_with_no_concurrency_reserved_events_are_dead_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.function(actions=["sqs:SendMessage"], DeadLetterConfig={"TargetArn": QUEUE})
    sent = record_calls(house, monkeypatch, "sqs")
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=0)
    await house.event()
    await house.settle()
    assert (len(sent), house.compute.runs) == (1, [])


async def test_an_event_of_a_deleted_function_ends(house: House) -> None:
    await house.function()
    house.compute.behave = fail
    await house.event()
    await house.settle()
    await house.lam("DeleteFunction", FunctionName="fun")
    await house.advance(600)
    assert len(house.compute.runs) == 1


async def test_an_event_that_is_too_large_is_refused(house: House) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.invoke("x" * 1_048_575, InvocationType="Event")
    assert (error.value.code, error.value.status) == ("RequestTooLargeException", 413)
    assert error.value.message == "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"


@pytest.mark.parametrize(("age_ms", "delay_ms"), [(0, 1_000), (1_000, 1_000), (4_000, 4_000), (10_000_000, 300_000)])
def test_throttled_events_wait_as_long_again_as_they_waited(age_ms: int, delay_ms: int) -> None:
    assert throttled_delay_ms(age_ms) == delay_ms


def record_calls(house: House, monkeypatch: pytest.MonkeyPatch, service: str) -> list[tuple[str, dict[str, Any], Principal]]:
    """What the node would have sent to `service`, which is not built."""
    sent: list[tuple[str, dict[str, Any], Principal]] = []
    original = house.node.dispatcher.invoke

    async def invoke(name: str, operation: str, params: Any, **how: Any) -> dict[str, Any]:
        if name != service:
            return await original(name, operation, params, **how)
        sent.append((operation, dict(params), how["principal"]))
        return {}

    monkeypatch.setattr(house.node.dispatcher, "invoke", invoke)
    return sent
