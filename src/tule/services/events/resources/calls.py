"""What the resource types share: asking whether something is there, and deleting what may be gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import to_list
from tule.platform.resource_type import Properties, StackContext

_NOT_FOUND = "ResourceNotFoundException"


async def found(stack: StackContext, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer of a Describe operation, None when there is nothing."""
    try:
        return await stack.call("events", operation, params)
    except ServiceError as error:
        if error.code != _NOT_FOUND:
            raise
        return None


async def gone(stack: StackContext, operation: str, params: Mapping[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("events", operation, params)
    except ServiceError as error:
        if error.code != _NOT_FOUND:
            raise


def chosen(properties: Properties, members: Sequence[str]) -> dict[str, Any]:
    """The properties that the API takes by the same names."""
    return {member: properties[member] for member in members if properties.get(member) is not None}


def text(value: Any) -> str:
    """A document that a template may give as text or as an object."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


async def retag(stack: StackContext, arn: str, wanted: Mapping[str, str]) -> None:
    before = {tag["Key"]: tag["Value"] for tag in (await stack.call("events", "ListTagsForResource", {"ResourceARN": arn}))["Tags"]}
    dropped = [key for key in before if key not in wanted]
    if dropped:
        await stack.call("events", "UntagResource", {"ResourceARN": arn, "TagKeys": dropped})
    if wanted and dict(wanted) != before:
        await stack.call("events", "TagResource", {"ResourceARN": arn, "Tags": to_list(dict(wanted))})
