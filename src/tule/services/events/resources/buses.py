"""AWS::Events::EventBus and AWS::Events::EventBusPolicy."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.events.resources.calls import chosen, found, gone, retag, text

_BUS = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


class EventBusType:
    """Ref is the bus's name; GetAtt gives Arn, Name and Policy."""

    name = "AWS::Events::EventBus"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeEventBus", {"Name": properties["Name"]}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {"Name": properties["Name"], **chosen(properties, (*_BUS, "EventSourceName"))}
        tags = to_list({**stack.tags, **to_map(properties.get("Tags"))})
        made = await stack.call("events", "CreateEventBus", {**params, **({"Tags": tags} if tags else {})})
        if properties.get("Policy"):
            await stack.call("events", "PutPermission", {"EventBusName": properties["Name"], "Policy": text(properties["Policy"])})
        return _bus(properties["Name"], made["EventBusArn"], properties)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        made = await stack.call("events", "UpdateEventBus", {"Name": physical_id, "KmsKeyIdentifier": "", **chosen(new, _BUS)})
        if new.get("Policy") and new["Policy"] != old.get("Policy"):
            await stack.call("events", "PutPermission", {"EventBusName": physical_id, "Policy": text(new["Policy"])})
        elif old.get("Policy") and not new.get("Policy"):
            await stack.call("events", "RemovePermission", {"EventBusName": physical_id, "RemoveAllPermissions": True})
        await retag(stack, made["Arn"], {**stack.tags, **to_map(new.get("Tags"))})
        return _bus(physical_id, made["Arn"], new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteEventBus", {"Name": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        bus = await stack.call("events", "DescribeEventBus", {"Name": physical_id})
        return _bus(physical_id, bus["Arn"], {"Policy": bus.get("Policy", "")})


def _bus(name: str, arn: str, properties: Properties) -> Resource:
    return Resource(name, {"Arn": arn, "Name": name, "Policy": text(properties.get("Policy") or "")})


class EventBusPolicyType:
    """One statement of a bus's policy.  Ref is `bus|statement`."""

    name = "AWS::Events::EventBusPolicy"
    replace_on = frozenset({"EventBusName", "StatementId"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await _put(stack, properties)
        return Resource(f"{_bus_name(properties)}|{properties['StatementId']}")

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await _put(stack, new)
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "RemovePermission", {"EventBusName": _bus_name(properties), "StatementId": properties["StatementId"]})


def _bus_name(properties: Properties) -> str:
    return properties.get("EventBusName") or "default"


async def _put(stack: StackContext, properties: Properties) -> None:
    params: dict[str, Any] = {"EventBusName": _bus_name(properties)}
    if properties.get("Statement"):
        params["Policy"] = await _with_statement(stack, properties)
    else:
        params |= chosen(properties, ("Action", "Principal", "StatementId", "Condition"))
    await stack.call("events", "PutPermission", params)


async def _with_statement(stack: StackContext, properties: Properties) -> str:
    """The bus's policy with this statement, whatever else is in it."""
    bus = await stack.call("events", "DescribeEventBus", {"Name": _bus_name(properties)})
    policy: dict[str, Any] = orjson.loads(bus["Policy"]) if bus.get("Policy") else {"Version": "2012-10-17", "Statement": []}
    statement = {**orjson.loads(text(properties["Statement"])), "Sid": properties["StatementId"]}
    others = [other for other in policy["Statement"] if other.get("Sid") != statement["Sid"]]
    return text({**policy, "Statement": [*others, statement]})
