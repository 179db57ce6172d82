"""Scheduler's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Scheduler."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.scheduler.names import DEFAULT_GROUP, group_arn, schedule_arn

_DATES = ("StartDate", "EndDate")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_MAX_NAME_CHARS = 64


class ScheduleType:
    """Ref is the schedule's name; GetAtt gives Arn."""

    name = "AWS::Scheduler::Schedule"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _found(stack, "GetSchedule", {"Name": properties["Name"], "GroupName": properties.get("GroupName", DEFAULT_GROUP)})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(_MAX_NAME_CHARS)
        await stack.call("scheduler", "CreateSchedule", _request(name, properties))
        return _schedule(stack, name, properties)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("scheduler", "UpdateSchedule", _request(physical_id, new))
        return _schedule(stack, physical_id, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteSchedule", {"Name": physical_id, "GroupName": properties.get("GroupName", DEFAULT_GROUP)})


def _schedule(stack: StackContext, name: str, properties: Properties) -> Resource:
    key = f"{properties.get('GroupName', DEFAULT_GROUP)}/{name}"
    return Resource(name, {"Arn": schedule_arn(stack.account, stack.region, key)})


def _request(name: str, properties: Properties) -> dict[str, Any]:
    """The properties are the API's members, but for dates, and the ECS parameters, whose inner names begin with capitals."""
    request: dict[str, Any] = {**properties, "Name": name, "Target": dict(properties["Target"])}
    for date in _DATES:
        if date in request:
            request[date] = _seconds(date, request[date])
    window = request["FlexibleTimeWindow"]
    if "MaximumWindowInMinutes" in window:
        request["FlexibleTimeWindow"] = {**window, "MaximumWindowInMinutes": int(window["MaximumWindowInMinutes"])}
    if "EcsParameters" in request["Target"]:
        request["Target"]["EcsParameters"] = _ecs(request["Target"]["EcsParameters"])
    return request


def _seconds(name: str, text: str) -> float:
    if not _DATE.fullmatch(text):
        raise validation(f"{name} needs to follow the format yyyy-MM-ddTHH:mm:ss.SSSZ")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


def _ecs(properties: Properties) -> dict[str, Any]:
    ecs = dict(properties)
    for name in ("CapacityProviderStrategy", "PlacementConstraints", "PlacementStrategy"):
        if name in ecs:
            ecs[name] = [_uncapitalized(item) for item in ecs[name]]
    if "NetworkConfiguration" in ecs:
        ecs["NetworkConfiguration"] = _uncapitalized(ecs["NetworkConfiguration"])
    return ecs


def _uncapitalized(properties: Properties) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: int(value) if isinstance(value, float) else value for name, value in properties.items()}


class ScheduleGroupType:
    """Ref is the group's name; GetAtt gives Arn, State, CreationDate and LastModificationDate."""

    name = "AWS::Scheduler::ScheduleGroup"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _found(stack, "GetScheduleGroup", {"Name": properties["Name"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(_MAX_NAME_CHARS)
        await stack.call("scheduler", "CreateScheduleGroup", {"Name": name, "Tags": to_list(_tags(stack, properties))})
        return await _group(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        arn, wanted = group_arn(stack.account, stack.region, physical_id), _tags(stack, new)
        there = to_map((await stack.call("scheduler", "ListTagsForResource", {"ResourceArn": arn}))["Tags"])
        gone = [key for key in there if key not in wanted]
        if gone:
            await stack.call("scheduler", "UntagResource", {"ResourceArn": arn, "TagKeys": gone})
        if wanted:
            await stack.call("scheduler", "TagResource", {"ResourceArn": arn, "Tags": to_list(wanted)})
        return await _group(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteScheduleGroup", {"Name": physical_id})


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _group(stack: StackContext, name: str) -> Resource:
    found = await stack.call("scheduler", "GetScheduleGroup", {"Name": name})
    dates = {date: datetime.fromtimestamp(found[date], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for date in ("CreationDate", "LastModificationDate")}
    return Resource(name, {"Arn": found["Arn"], "State": found["State"], **dates})


async def _found(stack: StackContext, operation: str, params: dict[str, Any]) -> bool:
    try:
        await stack.call("scheduler", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return False
    return True


async def _gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("scheduler", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (ScheduleType(), ScheduleGroupType())
