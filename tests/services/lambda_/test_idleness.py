"""Versions that keep something ready become inactive when nobody invokes them, and wake when somebody does."""

from __future__ import annotations

import pytest

from tests.services.lambda_.house import House
from tule.core.errors import ServiceError

DAY_S = 86_400
VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}


async def state(house: House, **which: str) -> tuple[str, str | None]:
    shown = await house.lam("GetFunctionConfiguration", FunctionName="fun", **which)
    return shown["State"], shown.get("StateReasonCode")


async def refusal(house: House, **which: str) -> tuple[str, int]:
    with pytest.raises(ServiceError) as error:
        await house.invoke(**which)
    return error.value.code, error.value.status


async def test_a_function_in_a_vpc_is_inactive_after_fourteen_days_and_wakes_when_it_is_invoked(house: House) -> None:
    await house.function(VpcConfig=VPC)
    await house.invoke()
    await house.advance(13 * DAY_S)
    assert await state(house) == ("Active", None)
    await house.advance(1 * DAY_S)
    assert await state(house) == ("Inactive", "Idle")
    assert await refusal(house) == ("ResourceNotReadyException", 502)
    assert await state(house) == ("Pending", "Restoring")
    assert await refusal(house) == ("ResourceConflictException", 409)
    await house.advance(5)
    assert await state(house) == ("Active", None)
    assert (await house.invoke())["StatusCode"] == 200


async def test_invocations_keep_it_active(house: House) -> None:
    await house.function(VpcConfig=VPC)
    for _ in range(3):
        await house.advance(13 * DAY_S)
        assert (await house.invoke())["StatusCode"] == 200


async def test_a_snapshot_is_made_anew(house: House) -> None:
    await house.function(SnapStart={"ApplyOn": "PublishedVersions"}, Publish=True)
    await house.advance(15 * DAY_S)
    assert await state(house, Qualifier="1") == ("Inactive", "Idle")
    assert await state(house) == ("Active", None), "$LATEST has no snapshot"
    assert await refusal(house, Qualifier="1") == ("SnapStartNotReadyException", 409)
    await house.advance(5)
    assert (await house.invoke(Qualifier="1"))["StatusCode"] == 200


async def test_an_event_waits_until_the_function_is_awake(house: House) -> None:
    await house.function(VpcConfig=VPC)
    await house.advance(15 * DAY_S)
    await house.event({"n": 1})
    await house.settle()
    assert house.compute.runs == []
    await house.advance(30)
    assert [run.payload for run in house.compute.runs] == [{"n": 1}]


async def test_other_functions_stay_active(house: House) -> None:
    await house.function()
    await house.advance(100 * DAY_S)
    assert await state(house) == ("Active", None)
    assert (await house.invoke())["StatusCode"] == 200
