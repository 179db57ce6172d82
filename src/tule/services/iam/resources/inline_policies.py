"""AWS::IAM::Policy, and AWS::IAM::RolePolicy, UserPolicy and GroupPolicy: inline policies of entities made elsewhere.

Ref of AWS::IAM::Policy is an id of its own; of the others `PolicyName|EntityName`.
"""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, is_there, text_of

_LISTS = {"Role": "Roles", "User": "Users", "Group": "Groups"}


class PolicyType:
    """One document, put on each entity that is named."""

    name = "AWS::IAM::Policy"
    replace_on: frozenset[str] = frozenset()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        physical_id = stack.generated_name(23)
        for noun, entity in _targets(properties):
            await stack.call("iam", f"Put{noun}Policy", _put(noun, entity, properties))
        return Resource(physical_id, {"Id": physical_id})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        after = _targets(new)
        for noun, entity in after:
            await stack.call("iam", f"Put{noun}Policy", _put(noun, entity, new))
        renamed = old["PolicyName"] != new["PolicyName"]
        for noun, entity in _targets(old):
            if renamed or (noun, entity) not in after:
                await _remove(stack, noun, entity, old["PolicyName"])
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        for noun, entity in _targets(properties):
            await _remove(stack, noun, entity, properties["PolicyName"])


class EntityPolicyType:
    """An inline policy of one entity; without a document, nothing is put."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.name = f"AWS::IAM::{noun}Policy"
        self.replace_on = frozenset({"PolicyName", f"{noun}Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        params = {f"{self.noun}Name": properties[f"{self.noun}Name"], "PolicyName": properties["PolicyName"]}
        return await is_there(stack, f"Get{self.noun}Policy", params)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        entity = properties[f"{self.noun}Name"]
        if "PolicyDocument" in properties:
            await stack.call("iam", f"Put{self.noun}Policy", _put(self.noun, entity, properties))
        return Resource(f"{properties['PolicyName']}|{entity}")

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _remove(stack, self.noun, properties[f"{self.noun}Name"], properties["PolicyName"])


def _targets(properties: Properties) -> list[tuple[str, str]]:
    return [(noun, entity) for noun, member in _LISTS.items() for entity in properties.get(member, [])]


def _put(noun: str, entity: str, properties: Properties) -> dict[str, Any]:
    return {f"{noun}Name": entity, "PolicyName": properties["PolicyName"], "PolicyDocument": text_of(properties["PolicyDocument"])}


async def _remove(stack: StackContext, noun: str, entity: str, policy_name: str) -> None:
    await call_unless_gone(stack, f"Delete{noun}Policy", {f"{noun}Name": entity, "PolicyName": policy_name})
