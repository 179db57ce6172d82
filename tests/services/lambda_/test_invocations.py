"""Invoking: what is passed to an instance, what comes back, how many run at once, and where the log goes."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from pathlib import Path

import pytest

from tests.services.lambda_.functions import ECHO, zipped
from tests.services.lambda_.house import ACCOUNT, REGION, House, Run, fail, opened
from tule.access.principal import aws_service
from tule.backbone.delivery import Dead, Delivery, Done
from tule.core.errors import ServiceError
from tule.platform.targets import SEND, deliver
from tule.services.lambda_ import execution_role
from tule.services.lambda_.concurrency import Share
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.running import functions

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
BUCKET = "arn:aws:s3:::pictures"


async def test_an_invocation_answers_what_the_function_answers(house: House) -> None:
    await house.function()
    answer = await house.invoke({"a": 1})
    assert answer == {"StatusCode": 200, "Payload": b'{"a": 1}', "ExecutedVersion": "$LATEST"}
    await house.lam("Invoke", FunctionName="fun")
    assert house.compute.runs[-1].payload == {}


async def test_what_a_function_raises_is_its_answer(house: House) -> None:
    await house.function()
    house.compute.behave = fail
    answer = await house.invoke()
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"])["errorMessage"] == "boom"


async def test_an_instance_is_told_all_about_its_function(house: House) -> None:
    await house.function(Environment={"Variables": {"KEY": "value"}}, MemorySize=512, Timeout=7, EphemeralStorage={"Size": 1024})
    await house.invoke(ClientContext=base64.b64encode(b'{"custom": {"a": "\xc3\xa9"}}').decode())
    run = house.compute.runs[0]
    spec = run.spec
    assert (spec.arn, spec.name, spec.version, spec.runtime, spec.handler) == (ARN, "fun", "$LATEST", "python3.12", "index.handler")
    assert (spec.memory_mb, spec.timeout_s, spec.tmp_mb, spec.environment) == (512, 7, 1024, {"KEY": "value"})
    assert spec.log_group == "/aws/lambda/fun"
    assert (spec.code / "index.py").read_text() == ECHO
    assert run.client_context == '{"custom":{"a":"\\u00e9"}}'


@pytest.mark.parametrize("told", ["%%%", base64.b64encode(b"no json").decode(), base64.b64encode(b"[1]").decode(), "A" * 3584])
async def test_a_client_context_is_a_json_object_in_base64(house: House, told: str) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.invoke(ClientContext=told)
    assert (error.value.code, error.value.message) == (
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON object.",
    )


async def test_an_instance_calls_aws_as_the_functions_role(house: House) -> None:
    await house.function()
    await house.invoke()
    credentials = house.compute.runs[0].credentials
    assert credentials is not None
    assert credentials.access_key.startswith("ASIA")
    session = execution_role.current(house.node, FunctionRef(ACCOUNT, REGION, "fun"), f"arn:aws:iam::{ACCOUNT}:role/fun-role")
    assert session is not None
    assert session.credentials.access_key == credentials.access_key
    assert session.principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/fun-role/fun"


async def test_credentials_are_renewed_long_before_they_expire(house: House) -> None:
    await house.function()
    await house.invoke()
    await house.advance(20 * 60)
    await house.invoke()
    await house.advance(15 * 60)
    await house.invoke()
    keys = [run.credentials.access_key for run in house.compute.runs if run.credentials]
    assert keys[0] == keys[1] != keys[2]


async def test_changed_code_and_configuration_get_new_instances(house: House) -> None:
    await house.function()
    await house.invoke()
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Timeout=9)
    await house.invoke()
    await house.lam("UpdateFunctionCode", FunctionName="fun", ZipFile=zipped(index="other"))
    await house.invoke()
    first, second, third = (run.spec for run in house.compute.runs)
    assert len({first.key, second.key, third.key}) == 3
    assert (second.timeout_s, (third.code / "index.py").read_text()) == (9, "other")
    assert house.compute.retired == [first.key, second.key]


async def test_tags_and_permissions_keep_the_instances(house: House) -> None:
    await house.function()
    await house.invoke()
    await house.lam("TagResource", Resource=ARN, Tags={"a": "b"})
    await house.lam("AddPermission", FunctionName="fun", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    await house.lam("PublishVersion", FunctionName="fun")
    await house.invoke()
    assert house.compute.runs[0].spec.key == house.compute.runs[1].spec.key
    assert house.compute.retired == []


async def test_a_deleted_functions_instances_are_retired_and_its_name_is_free(house: House) -> None:
    await house.function()
    await house.invoke()
    await house.lam("DeleteFunction", FunctionName="fun")
    assert house.compute.runs[0].spec.key.startswith(house.compute.retired[0])
    with pytest.raises(ServiceError) as error:
        await house.invoke()
    assert error.value.message == f"Function not found: {ARN}"


async def test_an_alias_runs_the_version_that_it_points_at(house: House) -> None:
    await house.function(Publish=True)
    await house.lam("CreateAlias", FunctionName="fun", Name="live", FunctionVersion="1")
    answer = await house.invoke(Qualifier="live")
    assert answer["ExecutedVersion"] == "1"
    assert house.compute.runs[0].spec.arn == f"{ARN}:live"
    await house.invoke(Qualifier="1")
    assert house.compute.runs[1].spec.arn == f"{ARN}:1"
    assert house.compute.runs[0].spec.key == house.compute.runs[1].spec.key


async def test_an_alias_may_split_its_traffic(house: House) -> None:
    await house.function(Publish=True)
    await house.lam("UpdateFunctionCode", FunctionName="fun", ZipFile=zipped(index="two"), Publish=True)
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    await house.lam("CreateAlias", FunctionName="fun", Name="live", FunctionVersion="1", RoutingConfig=weights)
    executed = {(await house.invoke(Qualifier="live"))["ExecutedVersion"] for _ in range(60)}
    assert executed == {"1", "2"}


async def test_publishing_with_new_code_answers_with_the_version(house: House) -> None:
    await house.function()
    answer = await house.lam("UpdateFunctionCode", FunctionName="fun", ZipFile=zipped(index="two"), Publish=True)
    assert (answer["Version"], answer["FunctionArn"], answer["State"]) == ("1", f"{ARN}:1", "Pending")
    assert "LastUpdateStatus" not in answer


async def test_a_dry_run_runs_nothing(house: House) -> None:
    await house.function()
    assert await house.invoke(InvocationType="DryRun") == {"StatusCode": 204}
    assert house.compute.runs == []


UNREADABLE = [
    (b"n\x87r\x9e", "Invalid UTF-8 start byte 0x87", "line: 1, column: 3"),
    (b"\x99\xeb,j", "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value", "line: 1, column: 1"),
    (b"hello world", "Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", "line: 1"),
    (b'{"a": ', "Unexpected end-of-input", "line: 1"),
]


@pytest.mark.parametrize(("payload", "complaint", "where"), UNREADABLE, ids=["utf8", "control", "word", "cut"])
async def test_a_payload_that_is_not_json_is_refused_in_awss_words(house: House, payload: bytes, complaint: str, where: str) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.lam("Invoke", FunctionName="fun", Payload=payload)
    assert error.value.code == "InvalidRequestContentException"
    start = f"Could not parse request body into json: Could not parse payload into json: {complaint}"
    assert error.value.message.startswith(start)
    assert f"(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); {where}" in error.value.message


async def test_a_payload_over_six_megabytes_is_refused(house: House) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.invoke("x" * 6_291_455)
    assert (error.value.code, error.value.status) == ("RequestTooLargeException", 413)


async def test_the_last_four_kilobytes_of_the_log_come_back_when_asked_for(house: House) -> None:
    await house.function()
    house.compute.lines = ("START\n", "x" * 5000 + "\n", "END\n")
    tail = base64.b64decode((await house.invoke(LogType="Tail"))["LogResult"])
    assert len(tail) == 4096
    assert tail.endswith(b"x\nEND\n")
    assert "LogResult" not in await house.invoke()


async def test_lines_reach_the_functions_log_group(house: House) -> None:
    await house.function()
    house.compute.lines = ("START\n", "hello\n", "END\n")
    await house.invoke()
    assert await house.logged() == ["START\n", "hello\n", "END\n"]
    streams = (await house.call("logs", "DescribeLogStreams", logGroupName="/aws/lambda/fun"))["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == ["2026/01/01/[$LATEST]" + "0" * 32]


async def test_lines_that_wait_are_written_when_the_node_stops(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        await house.function()
        await house.invoke()
    async with opened(tmp_path) as again:
        assert await again.logged() == ["START\n", "END\n"]


async def test_a_flood_of_lines_is_cut_into_batches_that_fit(house: House) -> None:
    await house.function()
    house.compute.lines = ("START\n", *("x" * 400_000 for _ in range(8)), "y" * 3_000_000, "END\n")
    await house.invoke()
    lines = await house.logged()
    assert [len(line) for line in lines] == [6, *[400_000] * 8, 999_974, 4]


async def test_lines_go_to_the_group_that_the_function_names(house: House) -> None:
    await house.function(LoggingConfig={"LogGroup": "/mine"})
    await house.invoke()
    assert await house.logged("/mine") == ["START\n", "END\n"]


async def test_a_role_without_permission_has_no_logs_and_the_function_runs_all_the_same(house: House) -> None:
    await house.function(logs=False)
    assert (await house.invoke())["StatusCode"] == 200
    with pytest.raises(ServiceError) as error:
        await house.logged()
    assert error.value.code == "ResourceNotFoundException"


async def test_reserved_concurrency_bounds_how_many_run_at_once(house: House) -> None:
    await house.function()
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=1)
    house.compute.hold = asyncio.Event()
    first = asyncio.create_task(house.invoke())
    await house.compute.started.wait()
    with pytest.raises(ServiceError) as error:
        await house.invoke()
    assert (error.value.code, error.value.message, error.value.status) == ("TooManyRequestsException", "Rate Exceeded.", 429)
    assert error.value.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    house.compute.hold.set()
    await first
    await house.invoke()


async def test_all_functions_of_an_account_share_what_is_not_reserved(house: House) -> None:
    await house.function()
    concurrency = functions(house.node).concurrency
    for _ in range(concurrency.limit):
        concurrency.enter(FunctionRef(ACCOUNT, REGION, "other"), Share("other"))
    with pytest.raises(ServiceError) as error:
        await house.invoke()
    assert error.value.fields["Reason"] == "ConcurrentInvocationLimitExceeded"


async def test_a_failed_invocation_gives_its_place_back(house: House) -> None:
    await house.function()
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=1)

    def crash(run: Run) -> None:
        raise LookupError("the instance is gone")

    house.compute.behave = crash
    for _ in range(2):
        with pytest.raises(LookupError):
            await house.invoke()


async def test_a_role_that_lambda_may_no_longer_assume_stops_the_function(house: House) -> None:
    await house.function()
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]})
    await house.call("iam", "UpdateAssumeRolePolicy", RoleName="fun-role", PolicyDocument=trust)
    await house.advance(3600)
    with pytest.raises(ServiceError) as error:
        await house.invoke()
    assert (error.value.code, error.value.status) == ("AccessDeniedException", 403)
    assert error.value.message == "The role defined for the function cannot be assumed by Lambda."


def notification(house: House) -> Delivery:
    now_ms = house.node.clock.now_ms()
    return Delivery(
        id="d",
        kind=SEND,
        target=ARN,
        account=ACCOUNT,
        region=REGION,
        payload={"text": json.dumps({"Records": [{"eventSource": "aws:s3"}]}), "settings": {}, "letter": {}},
        attempt=1,
        max_attempts=3,
        enqueued_ms=now_ms,
        now_ms=now_ms,
        source_service="s3.amazonaws.com",
        source_arn=BUCKET,
    )


async def test_a_notification_runs_the_function_when_its_policy_lets_the_source_in(house: House) -> None:
    await house.function()
    statement = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    await house.lam("AddPermission", FunctionName="fun", SourceArn=BUCKET, SourceAccount=ACCOUNT, **statement)
    assert await deliver(house.node, notification(house)) == Done()
    await house.settle()
    assert [run.payload for run in house.compute.runs] == [{"Records": [{"eventSource": "aws:s3"}]}]


async def test_a_notification_of_another_source_is_dead(house: House) -> None:
    await house.function()
    await house.lam(
        "AddPermission", FunctionName="fun", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn=BUCKET
    )
    outcome = await deliver(house.node, dataclasses.replace(notification(house), source_arn="arn:aws:s3:::others"))
    assert isinstance(outcome, Dead)
    await house.settle()
    assert house.compute.runs == []


async def test_without_a_policy_no_service_may_invoke(house: House) -> None:
    await house.function()
    with pytest.raises(ServiceError) as error:
        await house.node.dispatcher.invoke(
            "lambda", "Invoke", {"FunctionName": ARN}, principal=aws_service("s3.amazonaws.com", ACCOUNT, BUCKET), region=REGION
        )
    assert error.value.code == "AccessDeniedException"


async def test_a_function_says_when_another_interpreter_stands_in(house: House) -> None:
    await house.function("old", Runtime="python3.12")
    await house.function("new", Runtime="python3.14")
    assert "StateReason" not in await house.lam("GetFunctionConfiguration", FunctionName="old")
    assert (await house.lam("GetFunctionConfiguration", FunctionName="new"))["StateReason"] == "Python 3.11 stands in for it."


async def test_code_that_is_gone_from_the_disk_is_unpacked_again(house: House) -> None:
    await house.function()
    here = functions(house.node)
    for sha256 in here.packages.present():
        here.packages.forget(sha256)
    here.runnables.forget()
    await house.invoke()
    assert (house.compute.runs[0].spec.code / "index.py").read_text() == ECHO
