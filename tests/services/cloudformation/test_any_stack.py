"""Whatever the template, and whoever fails: the stack ends as what it was, or as what it was to be, and nothing is left over."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.cloudformation.house import House, Things, build, tear_down

NAMES = "ABCDEF"


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Topics that refer to one another without a circle; some have names of their own, which replaces them when it changes."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    resources: dict[str, Any] = {}
    for index, name in enumerate(names):
        properties: dict[str, Any] = {"DisplayName": draw(st.sampled_from(["x", "y"]))}
        if index and draw(st.booleans()):
            properties["DisplayName"] = {"Fn::GetAtt": [draw(st.sampled_from(names[:index])), "TopicName"]}
        if draw(st.booleans()):
            properties["TopicName"] = f"{name}-{draw(st.integers(0, 2))}"
        resources[name] = {"Type": "AWS::SNS::Topic", "Properties": properties}
        if index and draw(st.booleans()):
            resources[name]["DependsOn"] = draw(st.sampled_from(names[:index]))
    return {"Resources": resources}


failing = st.sets(st.sampled_from(NAMES), max_size=2)


async def things_of(house: House) -> dict[str, str]:
    """Physical ids by logical id, as the stack says."""
    shown = (await house.call("DescribeStackResources", StackName="shop"))["StackResources"]
    return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in shown if not item["ResourceStatus"].startswith("DELETE")}


async def history(first: dict[str, Any], second: dict[str, Any], create_fails: set[str], update_fails: set[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        house = await build(Path(directory), Things())
        try:
            await run(house, first, second, create_fails, update_fails)
        finally:
            await tear_down(house)


async def run(house: House, first: dict[str, Any], second: dict[str, Any], create_fails: set[str], update_fails: set[str]) -> None:
    things = house.things
    made = await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(first))
    assert (await house.ended("shop"))["StackStatus"] == "CREATE_COMPLETE"
    assert sorted(things.there) == sorted((await things_of(house)).values())
    before = dict(things.there)
    things.create_fails = create_fails
    things.update_once_fails = update_fails
    if first != second:
        await house.call("UpdateStack", StackName="shop", TemplateBody=json.dumps({**second, "Outputs": {"O": {"Value": "changed"}}}))
        status = (await house.ended("shop"))["StackStatus"]
        assert status in ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
        if status == "UPDATE_ROLLBACK_COMPLETE":
            assert things.there == before
        else:
            assert set(await things_of(house)) == set(second["Resources"])
        assert sorted(things.there) == sorted((await things_of(house)).values())
    await house.call("DeleteStack", StackName="shop")
    assert (await house.ended(made["StackId"]))["StackStatus"] == "DELETE_COMPLETE"
    assert things.there == {}


@settings(max_examples=60, deadline=None)
@given(templates(), templates(), failing, failing)
def test_an_update_arrives_or_leaves_everything_as_it_was(first, second, create_fails, update_fails):
    asyncio.run(history(first, second, create_fails, update_fails))
