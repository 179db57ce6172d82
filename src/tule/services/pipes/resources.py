"""Pipes' CloudFormation resource type.  AWS: CloudFormation template reference, AWS::Pipes::Pipe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.pipes import settings, state
from tule.wire.malformed import Malformed
from tule.wire.timestamps import from_wire

HINT_S = 1.0  # a hint may be lost on its way between nodes
_PASSING = ("CREATING", "UPDATING", "STARTING", "STOPPING")
_DONE = ("RUNNING", "STOPPED")
_MAX_NAME_CHARS = 64
_GONE: dict[str, Any] = {"Description": "", "Enrichment": "", "KmsKeyIdentifier": "", "LogConfiguration": {"Level": "OFF"}}


class PipeType:
    """Ref is the pipe's name; GetAtt gives Arn, CurrentState, StateReason, CreationTime and LastModifiedTime."""

    name = "AWS::Pipes::Pipe"
    replace_on = frozenset({"Name", "Source"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _find(stack, properties["Name"]) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(_MAX_NAME_CHARS)
        tags = {**stack.tags, **properties.get("Tags", {})}
        await stack.call("pipes", "CreatePipe", {**_request(properties), "Name": name, "Tags": tags})
        return await _settled(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        gone = {name: _GONE.get(name, {}) for name in settings.MEMBERS if name in old and name not in new}
        await stack.call("pipes", "UpdatePipe", {**gone, **_request(new), "Name": physical_id})
        pipe = await _settled(stack, physical_id)
        await _retag(stack, pipe.attributes["Arn"], {**stack.tags, **new.get("Tags", {})})
        return pipe

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        try:
            await stack.call("pipes", "DeletePipe", {"Name": physical_id})
        except ServiceError as error:
            if error.code == "NotFoundException":
                return
            if error.code != "ConflictException":
                raise
        async for _ in _changes(stack):
            if await _find(stack, physical_id) is None:
                return


async def _find(stack: StackContext, name: str) -> dict[str, Any] | None:
    try:
        return await stack.call("pipes", "DescribePipe", {"Name": name})
    except ServiceError as error:
        if error.code != "NotFoundException":
            raise
        return None


async def _settled(stack: StackContext, name: str) -> Resource:
    """The pipe, once it runs or is stopped.  Raises ServiceError when it will not."""
    async for _ in _changes(stack):
        pipe = await _find(stack, name)
        if pipe is None or pipe["CurrentState"] in _PASSING:
            continue
        if pipe["CurrentState"] not in _DONE:
            raise validation(
                f"Resource of type 'AWS::Pipes::Pipe' with identifier '{name}' did not stabilize. Status Reason is {pipe['StateReason']}"
            )
        return _resource(pipe)
    raise AssertionError("pipes change for ever")


async def _changes(stack: StackContext) -> AsyncGenerator[None]:
    """Now, and whenever some pipe has changed."""
    changed = asyncio.Event()
    stop = stack.node.store.subscribe(state.CHANGED, changed.set)
    try:
        while True:
            changed.clear()
            yield
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HINT_S):
                    await changed.wait()
    finally:
        stop()


def _resource(pipe: dict[str, Any]) -> Resource:
    times = {name: datetime.fromtimestamp(pipe[name], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("CreationTime", "LastModifiedTime")}
    return Resource(pipe["Name"], {"Arn": pipe["Arn"], "CurrentState": pipe["CurrentState"], "StateReason": pipe["StateReason"], **times})


def _request(properties: Properties) -> dict[str, Any]:
    """The properties are the API's members, but for a time, and for ECS parameters, whose inner names begin with capitals."""
    request = {name: value for name, value in properties.items() if name != "Tags"}
    stream = request.get("SourceParameters", {}).get("KinesisStreamParameters", {})
    if "StartingPositionTimestamp" in stream:
        stream = {**stream, "StartingPositionTimestamp": _seconds(stream["StartingPositionTimestamp"])}
        request["SourceParameters"] = {**request["SourceParameters"], "KinesisStreamParameters": stream}
    target = request.get("TargetParameters", {})
    if "EcsTaskParameters" in target:
        request["TargetParameters"] = {**target, "EcsTaskParameters": _ecs(target["EcsTaskParameters"])}
    return request


def _seconds(text: Any) -> float:
    try:
        return from_wire(text)
    except Malformed as error:
        raise validation(str(error)) from error


def _ecs(properties: Properties) -> dict[str, Any]:
    ecs = dict(properties)
    for name in ("CapacityProviderStrategy", "PlacementConstraints", "PlacementStrategy"):
        if name in ecs:
            ecs[name] = [_uncapitalized(item) for item in ecs[name]]
    if "NetworkConfiguration" in ecs:
        ecs["NetworkConfiguration"] = _uncapitalized(ecs["NetworkConfiguration"])
    return ecs


def _uncapitalized(properties: Properties) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in properties.items()}


async def _retag(stack: StackContext, arn: str, wanted: dict[str, str]) -> None:
    there = (await stack.call("pipes", "ListTagsForResource", {"resourceArn": arn}))["tags"]
    gone = [key for key in there if key not in wanted]
    if gone:
        await stack.call("pipes", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    if wanted and wanted != there:
        await stack.call("pipes", "TagResource", {"resourceArn": arn, "tags": wanted})


RESOURCE_TYPES: tuple[ResourceType, ...] = (PipeType(),)
