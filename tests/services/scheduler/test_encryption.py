"""Schedules with a key of KMS: their input is encrypted while it is kept, and their role needs the key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.scheduler.given import TRUST, allow
from tests.services.scheduler.house import SchedulerHouse
from tule.core.errors import ServiceError
from tule.services.scheduler import state
from tule.services.scheduler.names import ScheduleRef

pytestmark = pytest.mark.parametrize("house", ["sqlite"], indirect=True)

SECRET = '{"secret":"<aws.scheduler.attempt-number>"}'
REF = ScheduleRef(ACCOUNT, REGION, "default", "s")


async def _key(house: SchedulerHouse) -> str:
    return (await house.call("kms", "CreateKey"))["KeyMetadata"]["Arn"]


async def _kept(house: SchedulerHouse) -> dict[str, Any]:
    return await house.node.store.read(lambda tx: state.schedule(tx, REF))


async def test_the_input_is_kept_encrypted_and_reaches_its_target(house: SchedulerHouse) -> None:
    await house.schedule("rate(1 hour)", target={"Input": SECRET}, KmsKeyArn=await _key(house))
    assert "secret" not in json.dumps(await _kept(house))
    assert (await house.call("scheduler", "GetSchedule", Name="s"))["Target"]["Input"] == SECRET
    await house.pass_time(minutes=30)
    assert house.events == [{"secret": "1"}]


async def test_an_update_without_a_key_keeps_the_input_as_it_is(house: SchedulerHouse) -> None:
    await house.schedule("rate(1 hour)", target={"Input": SECRET}, KmsKeyArn=await _key(house))
    found = await house.call("scheduler", "GetSchedule", Name="s")
    wanted = {name: found[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    await house.call("scheduler", "UpdateSchedule", **wanted)
    assert (await _kept(house))["settings"]["Target"]["Input"] == SECRET


async def test_a_key_that_cannot_be_used_is_refused(house: SchedulerHouse) -> None:
    key = await _key(house)
    await house.call("kms", "DisableKey", KeyId=key)
    with pytest.raises(ServiceError, match="is disabled") as raised:
        await house.schedule("rate(1 hour)", target={"Input": SECRET}, KmsKeyArn=key)
    assert raised.value.code == "ValidationException"


async def test_a_role_without_the_key_fails_and_the_letter_tells_nothing(house: SchedulerHouse) -> None:
    queue = (await house.call("sqs", "CreateQueue", QueueName="dead"))["QueueUrl"]
    await house.call("iam", "CreateRole", RoleName="poor", AssumeRolePolicyDocument=json.dumps(TRUST))
    await house.call("iam", "PutRolePolicy", RoleName="poor", PolicyName="p", PolicyDocument=allow("lambda:*", "sqs:*"))
    dead = {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}
    target = {"Input": SECRET, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/poor", "DeadLetterConfig": dead}
    await house.schedule("rate(1 hour)", target=target, KmsKeyArn=await _key(house))
    await house.pass_time(minutes=61)
    (letter,) = (await house.call("sqs", "ReceiveMessage", QueueUrl=queue, MessageAttributeNames=["All"]))["Messages"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    assert "kms:Decrypt" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert "secret" not in letter["Body"]
    assert house.events == []
