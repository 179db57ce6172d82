"""Durable executions: checkpoints, waits, retries, callbacks and chained invocations, on a clock that the test turns.

The functions here speak the protocol that AWS's SDKs speak; test_durable_sdk.py runs an SDK itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, Run
from tule.core.errors import ServiceError

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
PENDING = {"Status": "PENDING"}
Body = Callable[["Turn"], Awaitable[Any]]


class Turn:
    """One invocation, as a function sees it."""

    def __init__(self, house: House, event: dict[str, Any]) -> None:
        self._house = house
        self.arn: str = event["DurableExecutionArn"]
        self.token: str = event["CheckpointToken"]
        self.updated: list[str] = event["UpdatedOperationIds"]
        self.operations: dict[str, dict[str, Any]] = {each["Id"]: each for each in event["InitialExecutionState"]["Operations"]}

    def status(self, id: str) -> str | None:
        return self.operations[id]["Status"] if id in self.operations else None

    async def say(self, *updates: dict[str, Any], **how: Any) -> dict[str, Any]:
        answer = await self._house.lam(
            "CheckpointDurableExecution", DurableExecutionArn=self.arn, CheckpointToken=self.token, Updates=list(updates), **how
        )
        self.token = answer.get("CheckpointToken") or ""
        self.operations |= {each["Id"]: each for each in answer["NewExecutionState"].get("Operations", [])}
        return answer


def plays(house: House, body: Body) -> list[Turn]:
    """Every durable function does this; the turns that it had."""
    turns: list[Turn] = []

    async def behave(run: Run) -> Any:
        if "DurableExecutionArn" not in (run.payload or {}):
            return {"echoed": run.payload}
        turn = Turn(house, run.payload)
        turns.append(turn)
        return await body(turn)

    house.compute.behave = behave
    return turns


async def durable(house: House, name: str = "fun", **config: Any) -> None:
    await house.function(name, DurableConfig={"ExecutionTimeout": 86_400, "RetentionPeriodInDays": 3} | config)


async def begin(house: House, payload: Any = None, name: str = "fun", **how: Any) -> str:
    answer = await house.invoke(payload, f"{name}:$LATEST", InvocationType="Event", **how)
    await house.settle()
    return answer["DurableExecutionArn"]


async def shown(house: House, arn: str) -> dict[str, Any]:
    return await house.lam("GetDurableExecution", DurableExecutionArn=arn)


async def happened(house: House, arn: str) -> list[str]:
    events = (await house.lam("GetDurableExecutionHistory", DurableExecutionArn=arn))["Events"]
    assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
    return [event["EventType"] for event in events]


def start(id: str, kind: str, **options: Any) -> dict[str, Any]:
    return {"Id": id, "Type": kind, "Action": "START", **options}


async def one_wait(turn: Turn) -> Any:
    if turn.status("w") is None:
        await turn.say(start("w", "WAIT", WaitOptions={"WaitSeconds": 3600}))
    return {"Status": "SUCCEEDED", "Result": '"done"'} if turn.status("w") == "SUCCEEDED" else PENDING


async def test_an_execution_waits_without_running_and_goes_on_where_it_was(house: House) -> None:
    await durable(house)
    turns = plays(house, one_wait)
    arn = await begin(house, {"n": 1})
    assert arn.startswith(f"{ARN}:$LATEST/durable-execution/")
    assert len(turns) == 1
    await house.advance(3599)
    assert len(turns) == 1
    await house.advance(2)
    assert len(turns) == 2
    assert turns[1].updated == ["w"]
    assert turns[1].operations[arn.rpartition("/")[2]]["ExecutionDetails"] == {"InputPayload": '{"n": 1}'}
    found = await shown(house, arn)
    assert (found["Status"], found["Result"], found["InputPayload"]) == ("SUCCEEDED", '"done"', '{"n": 1}')
    assert await happened(house, arn) == [
        "ExecutionStarted",
        "WaitStarted",
        "InvocationCompleted",
        "WaitSucceeded",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]


async def test_who_invokes_and_waits_gets_the_result(house: House) -> None:
    await durable(house, ExecutionTimeout=900)

    async def answers(turn: Turn) -> Any:
        return {"Status": "SUCCEEDED", "Result": '{"a": 1}'}

    plays(house, answers)
    done = await house.invoke({}, "fun:$LATEST")
    assert (done["Payload"], done["ExecutedVersion"]) == (b'{"a": 1}', "$LATEST")
    assert done["DurableExecutionArn"].startswith(f"{ARN}:$LATEST/durable-execution/")


async def test_a_failed_execution_answers_as_a_failed_function(house: House) -> None:
    await durable(house, ExecutionTimeout=900)

    async def fails(turn: Turn) -> Any:
        return {"Status": "FAILED", "Error": {"ErrorType": "ValueError", "ErrorMessage": "no"}}

    plays(house, fails)
    done = await house.invoke({}, "fun:$LATEST")
    assert (done["FunctionError"], done["Payload"]) == ("Unhandled", b'{"errorMessage":"no","errorType":"ValueError"}')


@pytest.mark.parametrize(
    ("name", "kind", "complaint"),
    [
        ("fun", "Event", "You cannot invoke a durable function using an unqualified ARN."),
        (
            "fun:$LATEST",
            "RequestResponse",
            "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.",
        ),
    ],
)
async def test_some_ways_to_invoke_are_refused(house: House, name: str, kind: str, complaint: str) -> None:
    await durable(house)
    with pytest.raises(ServiceError) as error:
        await house.invoke({}, name, InvocationType=kind)
    assert (error.value.code, error.value.message) == ("InvalidParameterValueException", complaint)


async def test_a_name_starts_one_execution(house: House) -> None:
    await durable(house)
    turns = plays(house, one_wait)
    first = await begin(house, {"n": 1}, DurableExecutionName="order-7")
    assert await begin(house, {"n": 1}, DurableExecutionName="order-7") == first
    assert len(turns) == 1
    with pytest.raises(ServiceError) as error:
        await begin(house, {"n": 2}, DurableExecutionName="order-7")
    assert (error.value.code, error.value.status) == ("DurableExecutionAlreadyStartedException", 409)


async def test_a_step_is_tried_again_after_its_delay(house: House) -> None:
    await durable(house)
    attempts: list[int] = []

    async def stumbles(turn: Turn) -> Any:
        if turn.status("s") in (None, "READY"):
            await turn.say(start("s", "STEP", Name="charge"))
            attempts.append(turn.operations["s"]["StepDetails"]["Attempt"])
            if len(attempts) < 3:
                retry = {"Error": {"ErrorMessage": "busy"}, "StepOptions": {"NextAttemptDelaySeconds": 60}}
                await turn.say({"Id": "s", "Type": "STEP", "Action": "RETRY", **retry})
            else:
                await turn.say({"Id": "s", "Type": "STEP", "Action": "SUCCEED", "Payload": '"paid"'})
        return {"Status": "SUCCEEDED", "Result": "1"} if turn.status("s") == "SUCCEEDED" else PENDING

    plays(house, stumbles)
    arn = await begin(house)
    assert attempts == [0]
    await house.advance(61)
    await house.advance(61)
    assert attempts == [0, 1, 2]
    assert (await shown(house, arn))["Status"] == "SUCCEEDED"
    assert (await happened(house, arn)).count("StepFailed") == 2


async def with_callback(turn: Turn) -> Any:
    if turn.status("c") is None:
        await turn.say(start("c", "CALLBACK", CallbackOptions={"TimeoutSeconds": 600, "HeartbeatTimeoutSeconds": 100}))
    if turn.status("c") == "STARTED":
        return PENDING
    details = turn.operations["c"]["CallbackDetails"]
    return {"Status": "SUCCEEDED", "Result": details["Result"]} if "Result" in details else {"Status": "FAILED", "Error": details["Error"]}


async def test_a_callback_brings_its_answer(house: House) -> None:
    await durable(house)
    turns = plays(house, with_callback)
    arn = await begin(house)
    id = turns[0].operations["c"]["CallbackDetails"]["CallbackId"]
    await house.advance(90)
    await house.lam("SendDurableExecutionCallbackHeartbeat", CallbackId=id)
    await house.advance(90)
    await house.lam("SendDurableExecutionCallbackSuccess", CallbackId=id, Result=b'"yes"')
    await house.settle()
    assert (await shown(house, arn))["Result"] == '"yes"'
    with pytest.raises(ServiceError) as error:
        await house.lam("SendDurableExecutionCallbackSuccess", CallbackId=id)
    assert error.value.code == "CallbackTimeoutException"


async def test_a_callback_that_says_nothing_times_out(house: House) -> None:
    await durable(house)
    plays(house, with_callback)
    arn = await begin(house)
    await house.advance(101)
    found = await shown(house, arn)
    assert (found["Status"], found["Error"]["ErrorType"]) == ("FAILED", "Callback.Heartbeat")


async def test_a_callback_can_fail(house: House) -> None:
    await durable(house)
    turns = plays(house, with_callback)
    arn = await begin(house)
    id = turns[0].operations["c"]["CallbackDetails"]["CallbackId"]
    await house.lam("SendDurableExecutionCallbackFailure", CallbackId=id, Error={"ErrorType": "Rejected", "ErrorMessage": "no"})
    await house.settle()
    assert (await shown(house, arn))["Error"] == {"ErrorType": "Rejected", "ErrorMessage": "no"}


async def may_invoke(house: House) -> None:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}]}'
    await house.call("iam", "PutRolePolicy", RoleName="fun-role", PolicyName="invoke", PolicyDocument=document)


def calls(target: str) -> Body:
    async def body(turn: Turn) -> Any:
        if turn.arn.split(":")[6] != "fun":
            return await one_wait(turn)
        if turn.status("i") is None:
            await turn.say(start("i", "CHAINED_INVOKE", Payload='{"x": 1}', ChainedInvokeOptions={"FunctionName": target}))
        if turn.status("i") == "STARTED":
            return PENDING
        details = turn.operations["i"]["ChainedInvokeDetails"]
        return {"Status": "SUCCEEDED", "Result": details["Result"]} if "Result" in details else {"Status": "FAILED", "Error": details["Error"]}

    return body


async def test_another_function_answers(house: House) -> None:
    await durable(house)
    await house.function("plain")
    await may_invoke(house)
    plays(house, calls("plain"))
    arn = await begin(house)
    await house.settle()
    found = await shown(house, arn)
    assert (found["Status"], found["Result"]) == ("SUCCEEDED", '{"echoed": {"x": 1}}')


async def test_another_durable_function_takes_its_time(house: House) -> None:
    await durable(house)
    await durable(house, "child")
    await may_invoke(house)
    plays(house, calls("child:$LATEST"))
    arn = await begin(house)
    await house.settle()
    assert (await shown(house, arn))["Status"] == "RUNNING"
    await house.advance(3601)
    found = await shown(house, arn)
    assert (found["Status"], found["Result"]) == ("SUCCEEDED", '"done"')


async def test_the_role_must_be_allowed_to_invoke_the_other(house: House) -> None:
    await durable(house)
    await house.function("plain")
    plays(house, calls("plain"))
    arn = await begin(house)
    await house.settle()
    assert (await shown(house, arn))["Error"]["ErrorType"] == "AccessDeniedException"


async def test_what_comes_while_the_function_runs_is_not_missed(house: House) -> None:
    await durable(house)

    async def late(turn: Turn) -> Any:
        if turn.status("c") is None:
            await turn.say(start("c", "CALLBACK"))
            id = turn.operations["c"]["CallbackDetails"]["CallbackId"]
            await house.lam("SendDurableExecutionCallbackSuccess", CallbackId=id, Result=b"1")
            return PENDING
        return {"Status": "SUCCEEDED", "Result": turn.operations["c"]["CallbackDetails"]["Result"]}

    turns = plays(house, late)
    arn = await begin(house)
    assert ((await shown(house, arn))["Status"], len(turns)) == ("SUCCEEDED", 2)


async def test_only_the_latest_token_is_good(house: House) -> None:
    await durable(house)
    refusals: list[str] = []

    async def twice(turn: Turn) -> Any:
        old = turn.token
        first = await turn.say(start("w", "WAIT"), ClientToken="same")
        turn.token = old
        assert await turn.say(start("w", "WAIT"), ClientToken="same") == first
        turn.token = old
        try:
            await turn.say(start("other", "WAIT"))
        except ServiceError as error:
            refusals.append(error.message)
        return {"Status": "SUCCEEDED", "Result": "1"}

    plays(house, twice)
    arn = await begin(house)
    assert refusals == ["Invalid checkpoint token"]
    assert (await happened(house, arn)).count("WaitStarted") == 1


async def test_an_invocation_that_breaks_off_is_repeated_and_at_last_given_up(house: House) -> None:
    await durable(house)

    async def breaks(turn: Turn) -> Any:
        raise RuntimeError("out of luck")

    turns = plays(house, breaks)
    arn = await begin(house)
    assert len(turns) == 1
    await house.advance(3600)
    assert len(turns) == 5
    found = await shown(house, arn)
    assert (found["Status"], found["Error"]["ErrorMessage"]) == ("FAILED", "out of luck")


async def test_to_wait_for_nothing_is_an_error(house: House) -> None:
    await durable(house)

    async def idle(turn: Turn) -> Any:
        return PENDING

    plays(house, idle)
    arn = await begin(house)
    assert (await shown(house, arn))["Error"]["ErrorMessage"] == "Cannot return PENDING status with no pending operations."


async def test_an_execution_has_its_time(house: House) -> None:
    await durable(house, ExecutionTimeout=600)
    turns = plays(house, one_wait)
    arn = await begin(house)
    await house.advance(601)
    assert (await shown(house, arn))["Status"] == "TIMED_OUT"
    await house.advance(3600)
    assert len(turns) == 1
    await house.advance(3 * 86_400)
    with pytest.raises(ServiceError) as error:
        await shown(house, arn)
    assert error.value.code == "ResourceNotFoundException"


async def test_a_stopped_execution_stays_stopped(house: House) -> None:
    await durable(house)
    turns = plays(house, one_wait)
    arn = await begin(house)
    await house.lam("StopDurableExecution", DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
    await house.advance(4000)
    found = await shown(house, arn)
    assert (found["Status"], found["Error"], len(turns)) == ("STOPPED", {"ErrorMessage": "enough"}, 1)


async def test_a_paused_execution_is_not_invoked_until_it_is_resumed(house: House) -> None:
    await durable(house)
    turns = plays(house, one_wait)
    arn = await begin(house)
    await house.lam("PauseDurableExecution", DurableExecutionArn=arn, Reason="look")
    found = await shown(house, arn)
    assert (found["Status"], found["PauseDetails"]["Reason"]) == ("PAUSED", "look")
    await house.advance(7200)
    assert len(turns) == 1
    await house.lam("ResumeDurableExecution", DurableExecutionArn=arn)
    await house.settle()
    assert ((await shown(house, arn))["Status"], len(turns)) == ("SUCCEEDED", 2)


async def test_a_pause_takes_the_token_of_the_running_invocation(house: House) -> None:
    await durable(house)

    async def paused_within(turn: Turn) -> Any:
        if turn.status("w") is None:
            await house.lam("PauseDurableExecution", DurableExecutionArn=turn.arn)
            assert "CheckpointToken" not in await turn.say(start("w", "WAIT", WaitOptions={"WaitSeconds": 10}))
            return PENDING
        return await one_wait(turn)

    plays(house, paused_within)
    arn = await begin(house)
    assert (await shown(house, arn))["Status"] == "PAUSED"
    await house.lam("ResumeDurableExecution", DurableExecutionArn=arn)
    await house.advance(11)
    assert (await shown(house, arn))["Status"] == "SUCCEEDED"


async def test_an_invocation_that_a_pause_interrupted_goes_on_when_resumed(house: House) -> None:
    await durable(house)

    async def interrupted(turn: Turn) -> Any:
        if turn.status("s") is None:
            await house.lam("PauseDurableExecution", DurableExecutionArn=turn.arn)
            await turn.say(start("s", "STEP"), {"Id": "s", "Type": "STEP", "Action": "SUCCEED", "Payload": "1"})
            return PENDING
        return {"Status": "SUCCEEDED", "Result": "1"}

    turns = plays(house, interrupted)
    arn = await begin(house)
    assert (await shown(house, arn))["Status"] == "PAUSED"
    await house.lam("ResumeDurableExecution", DurableExecutionArn=arn)
    await house.settle()
    assert ((await shown(house, arn))["Status"], len(turns)) == ("SUCCEEDED", 2)


async def test_contexts_keep_their_results_and_hide_what_is_in_them(house: House) -> None:
    await durable(house)

    async def nested(turn: Turn) -> Any:
        if turn.status("ctx") is None:
            await turn.say(
                start("ctx", "CONTEXT"),
                start("inner", "STEP", ParentId="ctx"),
                {"Id": "inner", "ParentId": "ctx", "Type": "STEP", "Action": "SUCCEED", "Payload": "1"},
                {"Id": "ctx", "Type": "CONTEXT", "Action": "SUCCEED", "Payload": "[1]"},
            )
        return await one_wait(turn)

    turns = plays(house, nested)
    await begin(house)
    await house.advance(3601)
    assert "inner" not in turns[1].operations
    assert turns[1].operations["ctx"]["ContextDetails"] == {"Result": "[1]"}


async def test_many_operations_come_in_pages(house: House) -> None:
    await durable(house)
    seen: list[str] = []

    async def many(turn: Turn) -> Any:
        if turn.status("s0") is None:
            for i in range(6):
                await turn.say(start(f"s{i}", "STEP"), {"Id": f"s{i}", "Type": "STEP", "Action": "SUCCEED", "Payload": "x" * 1_000_000})
            return await one_wait(turn)
        marker = house.compute.runs[-1].payload["InitialExecutionState"]["NextMarker"]
        seen.extend(turn.operations)
        while marker:
            page = await house.lam("GetDurableExecutionState", DurableExecutionArn=turn.arn, CheckpointToken=turn.token, Marker=marker, MaxItems=2)
            seen.extend(each["Id"] for each in page["Operations"])
            marker = page.get("NextMarker")
        return {"Status": "SUCCEEDED", "Result": "1"}

    plays(house, many)
    arn = await begin(house)
    await house.advance(3601)
    assert seen == [arn.rpartition("/")[2], *(f"s{i}" for i in range(6)), "w"]
    assert (await shown(house, arn))["Status"] == "SUCCEEDED"


async def test_executions_are_listed_the_youngest_first(house: House) -> None:
    await durable(house)
    plays(house, one_wait)
    for i in range(3):
        await begin(house, DurableExecutionName=f"e{i}")
        await house.advance(1)
    await house.lam("StopDurableExecution", DurableExecutionArn=await begin(house, DurableExecutionName="e1"))

    async def names(**how: Any) -> list[str]:
        found = await house.lam("ListDurableExecutionsByFunction", FunctionName="fun", **how)
        return [each["DurableExecutionName"] for each in found["DurableExecutions"]]

    assert await names() == ["e2", "e1", "e0"]
    assert await names(ReverseOrder=True) == ["e0", "e1", "e2"]
    assert await names(Statuses=["STOPPED"]) == ["e1"]
    assert await names(DurableExecutionName="e2") == ["e2"]
    first = await house.lam("ListDurableExecutionsByFunction", FunctionName="fun", MaxItems=2)
    assert len(first["DurableExecutions"]) == 2
    assert await names(MaxItems=2, Marker=first["NextMarker"]) == ["e0"]


async def test_the_function_needs_permission_to_checkpoint(house: House) -> None:
    await durable(house)
    plays(house, one_wait)
    arn = await begin(house)
    other = await house.node.roles.session(
        f"arn:aws:iam::{ACCOUNT}:role/fun-role", service="lambda.amazonaws.com", account=ACCOUNT, region=REGION, session_name="fun"
    )
    with pytest.raises(ServiceError) as error:
        await house.node.dispatcher.invoke(
            "lambda",
            "CheckpointDurableExecution",
            {"DurableExecutionArn": arn, "CheckpointToken": "abcd"},
            principal=other.principal,
            region=REGION,
        )
    assert error.value.code == "AccessDeniedException"


async def test_who_waits_is_told_when_the_clock_has_moved_on(house: House) -> None:
    await durable(house, ExecutionTimeout=900)

    async def short(turn: Turn) -> Any:
        if turn.status("w") is None:
            await turn.say(start("w", "WAIT", WaitOptions={"WaitSeconds": 100}))
        return await one_wait(turn)

    plays(house, short)
    asked = asyncio.create_task(house.invoke({}, "fun:$LATEST"))
    await house.compute.started.wait()
    await house.settle()
    await house.advance(101)
    assert (await asked)["Payload"] == b'"done"'
