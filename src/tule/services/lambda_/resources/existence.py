"""What the resource types ask of their service alike."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError, not_implemented
from tule.platform.resource_type import Properties, StackContext


def refuse(type_name: str, properties: Properties, *unbuilt: str) -> None:
    """A property that would be without effect is refused, not forgotten."""
    for name in unbuilt:
        if properties.get(name):
            raise not_implemented(type_name, name)


async def is_there(stack: StackContext, operation: str, params: dict[str, Any]) -> bool:
    try:
        await stack.call("lambda", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return False
    return True


async def gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("lambda", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
