"""AWS::Lambda::EventSourceMapping.  AWS: CloudFormation template reference."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.mappings import state
from tule.services.lambda_.mappings.kinds import SETTINGS, kind_of

PATIENCE_S = 10.0
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STACK = "aws:cloudformation:stack-id"
_LOGICAL_ID = "aws:cloudformation:logical-id"
_FIXED = frozenset({"EventSourceArn", "SelfManagedEventSource", "StartingPosition", "StartingPositionTimestamp", "Topics", "Queues"})


class EventSourceMappingType:
    """Ref and GetAtt Id are the mapping's UUID; GetAtt gives EventSourceMappingArn, too."""

    name = "AWS::Lambda::EventSourceMapping"
    replace_on = frozenset({"EventSourceArn", "SelfManagedEventSource", "StartingPosition", "StartingPositionTimestamp"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for sources that are not built."""
        if "SelfManagedEventSource" in properties or isinstance(properties.get("EventSourceArn"), str):
            kind_of(properties)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        stack.generated_name()  # by which a creation that was cut before the UUID was known is spoken of
        params = {key: value for key, value in properties.items() if key != "Tags"}
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = tags
        return _resource(await stack.call("lambda", "CreateEventSourceMapping", params))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} - _FIXED - {"Tags"}
        params: dict[str, Any] = {"UUID": physical_id}
        params |= {key: new[key] if key in new else _taken_back(key, new) for key in changed}
        made = await stack.call("lambda", "UpdateEventSourceMapping", params)
        await _retag(stack, made["EventSourceMappingArn"], new)
        return _resource(made)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        uuids = [physical_id] if _UUID.fullmatch(physical_id) else await _made_for(stack, properties)
        for uuid in uuids:
            try:
                await stack.call("lambda", "DeleteEventSourceMapping", {"UUID": uuid})
            except ServiceError as error:
                if error.code not in ("ResourceNotFoundException", "ResourceInUseException"):
                    raise
            await _until_gone(stack, uuid)

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource(await stack.call("lambda", "GetEventSourceMapping", {"UUID": physical_id}))


async def _made_for(stack: StackContext, properties: Properties) -> list[str]:
    """What the stack made of these properties, by the tags that CloudFormation puts on everything."""
    wanted = {key: properties[key] for key in ("FunctionName", "EventSourceArn")}
    found = (await stack.call("lambda", "ListEventSourceMappings", wanted))["EventSourceMappings"]
    mine: list[str] = []
    for mapping in found:
        tags = (await stack.call("lambda", "ListTags", {"Resource": mapping["EventSourceMappingArn"]}))["Tags"]
        if tags.get(_STACK) == stack.stack_id and tags.get(_LOGICAL_ID) == stack.logical_id:
            mine.append(mapping["UUID"])
    return mine


async def _until_gone(stack: StackContext, uuid: str) -> None:
    """Its poller may have something in hand; who makes the same mapping next must not find this one."""
    gone = asyncio.Event()
    forget = stack.node.store.subscribe(state.CHANGED, gone.set)
    try:
        while True:
            gone.clear()
            try:
                await stack.call("lambda", "GetEventSourceMapping", {"UUID": uuid})
            except ServiceError as error:
                if error.code != "ResourceNotFoundException":
                    raise
                return
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await gone.wait()
            except TimeoutError:
                return
    finally:
        forget()


def _resource(made: dict[str, Any]) -> Resource:
    return Resource(made["UUID"], {"Id": made["UUID"], "EventSourceMappingArn": made["EventSourceMappingArn"]})


def _taken_back(key: str, properties: Properties) -> Any:
    """What brings a setting back to what holds when nothing is said of it."""
    if key == "Enabled":
        return True
    return kind_of(properties).defaults.get(key, "" if key == "KMSKeyArn" else {}) if key in SETTINGS else {}


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _retag(stack: StackContext, arn: str, new: Properties) -> None:
    before = (await stack.call("lambda", "ListTags", {"Resource": arn}))["Tags"]
    wanted = _tags(stack, new)
    gone = [key for key in before if key not in wanted]
    if gone:
        await stack.call("lambda", "UntagResource", {"Resource": arn, "TagKeys": gone})
    if any(before.get(key) != value for key, value in wanted.items()):
        await stack.call("lambda", "TagResource", {"Resource": arn, "Tags": wanted})
