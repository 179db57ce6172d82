"""A table of a stack in one region, and what the resource types do with it: every call as the stack's principal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import OF_STACKS, to_list, to_map
from tule.platform.resource_type import StackContext
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE

Params = Mapping[str, Any]

_GONE = frozenset({"ResourceNotFoundException", "TableNotFoundException", "PolicyNotFoundException"})


@dataclass(slots=True, frozen=True)
class StackTable:
    """`name` of the table in `region`, which need not be the stack's own."""

    stack: StackContext
    name: str
    region: str

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """An operation on this table.  Raises ServiceError."""
        stack = self.stack
        asked = {"TableName": self.name, **params}
        return await stack.node.dispatcher.invoke(
            "dynamodb", operation, asked, principal=stack.principal, region=self.region, endpoint=stack.endpoint
        )

    async def at(self, operation: str, **params: Any) -> dict[str, Any]:
        """An operation that names the table by its ARN."""
        stack = self.stack
        asked = {"ResourceArn": (await self.describe())["TableArn"], **params}
        return await stack.node.dispatcher.invoke(
            "dynamodb", operation, asked, principal=stack.principal, region=self.region, endpoint=stack.endpoint
        )

    async def describe(self) -> dict[str, Any]:
        return (await self.call("DescribeTable"))["Table"]

    async def find(self) -> dict[str, Any] | None:
        """None when there is no such table."""
        try:
            return await self.describe()
        except ServiceError as error:
            if error.code not in _GONE:
                raise
            return None

    async def delete(self) -> None:
        """Delete what may be gone already."""
        try:
            await self.call("DeleteTable")
        except ServiceError as error:
            if error.code not in _GONE:
                raise

    async def settled(self) -> dict[str, Any]:
        """The table once it and its indexes are ACTIVE; nobody polls: each change of a table wakes."""
        return await self.until(_is_active)

    async def until(self, holds: Callable[[Params], bool]) -> dict[str, Any]:
        """The table's description as soon as `holds` of it."""
        changed = asyncio.Event()
        stop = self.stack.node.store.subscribe(rows.CHANGED, changed.set)
        try:
            while True:
                changed.clear()
                shown = await self.describe()
                if holds(shown):
                    return shown
                await changed.wait()
        finally:
            stop()

    async def stream(self, wanted: str | None) -> None:
        """A stream of the wanted view, or none: another view is another stream."""
        view = ((await self.describe()).get("StreamSpecification") or {}).get("StreamViewType")
        if view == wanted:
            return
        if view is not None:
            await self.call("UpdateTable", StreamSpecification={"StreamEnabled": False})
        if wanted is not None:
            await self.call("UpdateTable", StreamSpecification={"StreamEnabled": True, "StreamViewType": wanted})

    async def retag(self, wanted: Mapping[str, str]) -> None:
        before = to_map((await self.at("ListTagsOfResource"))["Tags"])
        dropped = [key for key in before if key not in wanted and not key.startswith(OF_STACKS)]
        if dropped:
            await self.at("UntagResource", TagKeys=dropped)
        if any(before.get(key) != value for key, value in wanted.items()):
            await self.at("TagResource", Tags=to_list(dict(wanted)))

    async def police(self, old: Params | None, new: Params | None, arn: str) -> None:
        """The resource policy of the table, or of its stream, from one state to another."""
        if old == new:
            return
        stack = self.stack
        operation = "DeleteResourcePolicy" if new is None else "PutResourcePolicy"
        params = {"ResourceArn": arn} | ({} if new is None else {"Policy": document(new["PolicyDocument"])})
        await stack.node.dispatcher.invoke("dynamodb", operation, params, principal=stack.principal, region=self.region, endpoint=stack.endpoint)


def document(value: Any) -> str:
    """A policy that a template may give as text or as an object."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _is_active(shown: Params) -> bool:
    return shown["TableStatus"] == ACTIVE and all(index["IndexStatus"] == ACTIVE for index in shown.get("GlobalSecondaryIndexes", ()))
