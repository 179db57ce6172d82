"""A node that dies at any write of a stack's operation goes on where it was, and the end is the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.cloudformation.house import House, Things, build, tear_down
from tests.services.cloudformation.test_engine import CHAIN, parameter

MANY = 60  # more writes than any operation here makes


class Death:
    """Lets `writes` transactions happen; from then on nothing happens any more."""

    def __init__(self, house: House, writes: int) -> None:
        self.left = writes
        self.came = asyncio.Event()
        self._write = house.node.store.write
        house.node.store.write = self.write

    async def write(self, closure: Callable[[Any], Any]) -> Any:
        if self.left <= 0:
            self.came.set()
            await asyncio.Event().wait()
        self.left -= 1
        return await self._write(closure)


async def until_it_dies(house: House, death: Death) -> bool:
    """Run until the store stops, or the work is done; True when it died."""
    settled = asyncio.create_task(house.node.jobs.settle())
    died = asyncio.create_task(death.came.wait())
    await asyncio.wait([settled, died], return_when=asyncio.FIRST_COMPLETED)
    for task in (settled, died):
        task.cancel()
    return death.came.is_set()


def shape(things: Things) -> list[tuple[str, str]]:
    """What exists, without generated suffixes."""
    return sorted((name.rsplit("-", 1)[0], json.dumps(_plain(body), sort_keys=True)) for name, body in things.there.items())


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value.rsplit("-", 1)[0] if isinstance(value, str) else value for key, value in body.items()}


async def started(directory: Path, things: Things, operation: str) -> House:
    house = await build(directory, things)
    if operation != "create":
        await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(CHAIN))
        await house.ended("shop")
    return house


async def ask(house: House, operation: str) -> None:
    wider = {**CHAIN, "Resources": {**CHAIN["Resources"], "Fourth": {"Type": "AWS::SNS::Topic", "DependsOn": "Third"}}}
    match operation:
        case "create" | "failing create":
            await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(CHAIN))
        case "update":
            await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
        case "failing update":
            await house.call("UpdateStack", StackName="shop", TemplateBody=json.dumps(wider), Parameters=[parameter("Word", "two")])
        case "delete":
            await house.call("DeleteStack", StackName="shop")


EXPECTED = {
    "create": ("CREATE_COMPLETE", ["shop-First", "shop-Second", "third"]),
    "failing create": ("ROLLBACK_COMPLETE", []),
    "update": ("UPDATE_COMPLETE", ["shop-First", "shop-Second", "third"]),
    "failing update": ("UPDATE_ROLLBACK_COMPLETE", ["shop-First", "shop-Second", "third"]),
    "delete": ("DELETE_COMPLETE", []),
}


@pytest.mark.parametrize("operation", EXPECTED)
async def test_an_operation_that_is_cut_anywhere_comes_to_its_end(operation, tmp_path):
    died, reference = True, None
    for writes in (MANY, *range(1, MANY)):
        things = Things()
        directory = tmp_path / str(writes)
        house = await started(directory, things, "create" if operation == "failing create" else operation)
        things.create_fails = {"failing create": {"Third"}, "failing update": {"Fourth"}}.get(operation, set())
        stacks = (await house.call("ListStacks"))["StackSummaries"]
        stack_id = stacks[0]["StackId"] if stacks else ""
        death = Death(house, writes)
        await ask(house, operation)
        died = await until_it_dies(house, death)
        await tear_down(house)
        again = await build(directory, things)
        stack = await again.ended(stack_id or "shop")
        assert (stack["StackStatus"], [name for name, _ in shape(things)]) == EXPECTED[operation], f"cut after {writes} writes"
        reference = reference or shape(things)
        assert shape(things) == reference, f"cut after {writes} writes"
        await tear_down(again)
        if writes != MANY and not died:
            break
    assert not died, "the operation makes more writes than this test cuts"
