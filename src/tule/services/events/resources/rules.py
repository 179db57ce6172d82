"""AWS::Events::Rule, with its targets."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.events.resources.calls import chosen, found, gone, retag, text

_RULE = ("Description", "EventBusName", "RoleArn", "ScheduleExpression", "State")
_LOWER = {
    "CapacityProviderStrategy": {"CapacityProvider": "capacityProvider", "Weight": "weight", "Base": "base"},
    "PlacementConstraints": {"Type": "type", "Expression": "expression"},
    "PlacementStrategies": {"Type": "type", "Field": "field"},
}
_RENAMED: dict[str, str] = {"PlacementStrategies": "PlacementStrategy", "TagList": "Tags"}


class RuleType:
    """Ref is the rule's name, on other buses than the default one `bus|name`; GetAtt gives Arn and RuleName."""

    name = "AWS::Events::Rule"
    replace_on = frozenset({"Name", "EventBusName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeRule", {"Name": properties["Name"], **_bus(properties)}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(64)
        if await found(stack, "DescribeRule", {"Name": name, **_bus(properties)}) is not None:  # putting it again would succeed
            raise ServiceError("AlreadyExists", f"Rule {name} already exists", 409)
        tags = to_list({**stack.tags, **to_map(properties.get("Tags"))})
        made = await stack.call("events", "PutRule", {**_rule(name, properties), **({"Tags": tags} if tags else {})})
        await _put_targets(stack, name, properties)
        return _resource(name, made["RuleArn"], properties)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        name = _name(physical_id)
        made = await stack.call("events", "PutRule", _rule(name, new))
        await _put_targets(stack, name, new)
        kept = {target["Id"] for target in new.get("Targets") or ()}
        dropped = [target["Id"] for target in old.get("Targets") or () if target["Id"] not in kept]
        if dropped:
            await stack.call("events", "RemoveTargets", {"Rule": name, "Ids": dropped, **_bus(new)})
        await retag(stack, made["RuleArn"], {**stack.tags, **to_map(new.get("Tags"))})
        return _resource(name, made["RuleArn"], new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        name, bus = _name(physical_id), _bus(properties)
        if await found(stack, "DescribeRule", {"Name": name, **bus}) is None:
            return
        targets = (await stack.call("events", "ListTargetsByRule", {"Rule": name, **bus}))["Targets"]
        if targets:
            await stack.call("events", "RemoveTargets", {"Rule": name, "Ids": [target["Id"] for target in targets], **bus})
        await gone(stack, "DeleteRule", {"Name": name, **bus})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        bus, bar, name = physical_id.rpartition("|")
        rule = await stack.call("events", "DescribeRule", {"Name": name, **({"EventBusName": bus} if bar else {})})
        return _resource(name, rule["Arn"], {"EventBusName": bus} if bar else {})


def _bus(properties: Properties) -> dict[str, str]:
    return {"EventBusName": properties["EventBusName"]} if properties.get("EventBusName") else {}


def _name(physical_id: str) -> str:
    return physical_id.rpartition("|")[2]


def _resource(name: str, arn: str, properties: Properties) -> Resource:
    bus = (properties.get("EventBusName") or "default").rpartition("event-bus/")[2]
    return Resource(name if bus == "default" else f"{bus}|{name}", {"Arn": arn, "RuleName": name})


def _rule(name: str, properties: Properties) -> dict[str, Any]:
    params = {"Name": name, **chosen(properties, _RULE)}
    if properties.get("EventPattern"):
        params["EventPattern"] = text(properties["EventPattern"])
    return params


async def _put_targets(stack: StackContext, name: str, properties: Properties) -> None:
    targets = [_target(target) for target in properties.get("Targets") or ()]
    if targets:
        await stack.call("events", "PutTargets", {"Rule": name, "Targets": targets, **_bus(properties)})


def _target(target: Properties) -> dict[str, Any]:
    """A target as the API takes it; only ECS's parameters have other names there."""
    if "EcsParameters" not in target:
        return target
    given: Properties = target["EcsParameters"]
    ecs = {_RENAMED.get(key, key): _lowered(key, value) for key, value in given.items()}
    network = ecs.get("NetworkConfiguration")
    if network is not None:
        ecs["NetworkConfiguration"] = {"awsvpcConfiguration": network["AwsVpcConfiguration"]} if "AwsVpcConfiguration" in network else {}
    return {**target, "EcsParameters": ecs}


def _lowered(key: str, value: Any) -> Any:
    names = _LOWER.get(key)
    return value if names is None else [{names.get(member, member): inner for member, inner in item.items()} for item in value]
