"""Replacements that somebody outside has to let go, nested stacks whose templates move, and names that cannot be asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.cloudformation.house import House, Things, ThingType, build, tear_down
from tests.services.cloudformation.test_crashes import Death, until_it_dies
from tests.services.cloudformation.test_engine import parameter
from tule.platform.call import Call
from tule.platform.service import Operation, Service
from tule.services.cloudformation.engine import custom

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:answers"
CUSTOM = {
    "Parameters": {"Word": {"Type": "String", "Default": "one"}},
    "Resources": {"It": {"Type": "Custom::It", "Properties": {"ServiceToken": FUNCTION, "Word": {"Ref": "Word"}}}},
}
FORGETTING_WRITES = 40  # more writes than the cleanup makes


class Outside:
    """A function that was asked and has not answered, and a bucket with templates."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self._heard = asyncio.Event()

    def services(self) -> list[Service]:
        return [
            Service("lambda", {"Invoke": Operation("Invoke", self._invoke, True, False)}),
            Service("s3", {"GetObject": Operation("GetObject", self._get, True, False)}),
        ]

    async def _invoke(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(json.loads(params["Payload"]))
        self._heard.set()
        return {"StatusCode": 202}

    async def _get(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(self.objects[params["Key"]]).encode()
        return {"ContentLength": len(body), "Body": body}

    async def heard(self, kind: str) -> dict[str, Any]:
        """The first request of this kind."""
        while True:
            found = next((event for event in self.asked if event["RequestType"] == kind), None)
            if found:
                return found
            self._heard.clear()
            await asyncio.wait_for(self._heard.wait(), 20)


async def answer(house: House, event: dict[str, Any], physical_id: str, status: str = "SUCCESS") -> None:
    token = event["ResponseURL"].rsplit("/", 1)[-1]
    said = {"Status": status, "PhysicalResourceId": physical_id, "Reason": "told to", "Data": {}}
    assert await house.node.store.write(lambda tx: custom.take_answer(tx, token, said))


async def furnished(directory: Path, outside: Outside, things: Things | None = None) -> House:
    house = await build(directory, things, outside.services())

    async def look() -> None:
        return None

    house.node.compute = SimpleNamespace(look=look, describe=dict)
    return house


@pytest.fixture
async def outside() -> Outside:
    return Outside()


@pytest.fixture
async def furnished_house(tmp_path: Path, outside: Outside) -> AsyncIterator[House]:
    house = await furnished(tmp_path / "house", outside)
    yield house
    await tear_down(house)


async def replaced(house: House, outside: Outside) -> dict[str, Any]:
    """An update gives a custom resource another id; the request to delete the first one, which nobody has answered yet."""
    await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(CUSTOM))
    await answer(house, await outside.heard("Create"), "first")
    await house.ended("shop")
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    await answer(house, await outside.heard("Update"), "second")
    return await outside.heard("Delete")


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
async def test_an_update_ends_when_the_replaced_custom_resource_has_answered(furnished_house, outside, status):
    house = furnished_house
    event = await replaced(house, outside)
    assert (event["PhysicalResourceId"], event["ResourceProperties"]["Word"]) == ("first", "one")
    await house.node.jobs.settle()
    assert (await house.stack("shop"))["StackStatus"] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    await answer(house, event, "first", status)
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    deleted = "DELETE_COMPLETE" if status == "SUCCESS" else "DELETE_FAILED"
    assert (await house.events("shop"))[-3:] == [("It", "DELETE_IN_PROGRESS"), ("It", deleted), ("shop", "UPDATE_COMPLETE")]
    assert [event["RequestType"] for event in outside.asked] == ["Create", "Update", "Delete"]


async def test_a_replaced_custom_resource_that_never_answers_does_not_hold_the_update_for_ever(furnished_house, outside):
    house = furnished_house
    await replaced(house, outside)
    await house.node.jobs.settle()
    house.node.clock.move(custom.DEFAULT_TIMEOUT_S * 1_000)
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert ("It", "DELETE_FAILED") in await house.events("shop")


async def test_a_cleanup_that_is_cut_anywhere_asks_once_and_waits(tmp_path):
    for writes in range(1, FORGETTING_WRITES):
        outside, directory = Outside(), tmp_path / str(writes)
        house = await furnished(directory, outside)
        await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(CUSTOM))
        await answer(house, await outside.heard("Create"), "first")
        await house.ended("shop")
        await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
        update = await outside.heard("Update")
        await house.node.jobs.settle()
        await answer(house, update, "second")
        died = await until_it_dies(house, Death(house, writes))
        await tear_down(house)
        again = await furnished(directory, outside)
        await answer(again, await outside.heard("Delete"), "first")
        assert (await again.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE", f"cut after {writes} writes"
        deletions = [event for event in outside.asked if event["RequestType"] == "Delete"]
        assert {event["PhysicalResourceId"] for event in deletions} == {"first"}
        assert len({event["RequestId"] for event in deletions}) == 1, "asked again under the same id"
        await tear_down(again)
        if not died:
            return
    raise AssertionError("the cleanup makes more writes than this test cuts")


def inner(display: str) -> dict[str, Any]:
    return {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "inner", "DisplayName": display}}}}


def outer(word: str) -> str:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://templates.s3.us-east-1.amazonaws.com/inner.json"}}
    after = {"Type": "AWS::SNS::Topic", "DependsOn": "Inner", "Properties": {"TopicName": "after", "DisplayName": word}}
    return json.dumps({"Resources": {"Inner": nested, "After": after}})


async def test_a_nested_stack_goes_back_to_the_template_that_it_was_made_of(furnished_house, outside):
    house = furnished_house
    outside.objects["inner.json"] = inner("old")
    await house.call("CreateStack", StackName="shop", TemplateBody=outer("one"))
    assert (await house.ended("shop"))["StackStatus"] == "CREATE_COMPLETE"
    for attempt in range(2):
        outside.objects["inner.json"] = inner(f"new {attempt}")
        house.things.update_once_fails = {"After"}
        await house.call("UpdateStack", StackName="shop", TemplateBody=outer(f"two {attempt}"))
        assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert house.things.there["inner"]["DisplayName"] == "old"
    assert house.things.log.count("update Topic") == 4
    await house.call("UpdateStack", StackName="shop", TemplateBody=outer("three"))
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert house.things.there["inner"]["DisplayName"] == "new 1"


class SilentType(ThingType):
    """A type that cannot say what exists."""

    exists = None  # type: ignore[assignment]


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
async def test_what_cannot_be_told_apart_is_left_alone(tmp_path, named):
    """The node dies after the creation and before its record, and the type cannot say what was there before."""
    template = {"Resources": {"It": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mine"} if named else {}}}}
    things = Things()
    silent = Service("silent", {}, resource_types=[SilentType(things, "AWS::SQS::Queue", "QueueName", frozenset({"QueueName"}))])
    house = await build(tmp_path / "house", things, [silent])
    death = Death(house, 10_000)

    def die(line: str) -> None:
        death.left = 0

    things.on_log = die
    await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(template))
    assert await until_it_dies(house, death)
    await tear_down(house)
    assert len(things.there) == 1
    things.on_log = lambda line: None
    again = await build(tmp_path / "house", things, [silent])
    stack = await again.ended("shop")
    events = (await again.call("DescribeStackEvents", StackName="shop"))["StackEvents"]
    said = "".join(event.get("ResourceStatusReason", "") for event in events)
    assert len(things.there) == 1
    if named:
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "it was left as it is" in said
        assert "delete It" not in things.log
    else:
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert things.log == ["create It", "create It", "delete It", "create It"]
    await tear_down(again)
