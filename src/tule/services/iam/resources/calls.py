"""What IAM's resource types have in common: documents as text, deletions of what may be gone, tags."""

from __future__ import annotations

import json
from typing import Any

from tule.core import tags as core_tags
from tule.core.errors import ServiceError
from tule.platform.resource_type import Properties, StackContext


def text_of(document: Any) -> str:
    """A policy document in a template is an object, or the text of one."""
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


async def call_unless_gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """For deletions: what is not there needs no deleting."""
    try:
        await stack.call("iam", operation, params)
    except ServiceError as error:
        if error.code != "NoSuchEntity":
            raise


async def is_there(stack: StackContext, operation: str, params: dict[str, Any]) -> bool:
    """Whether a `Get...` finds something."""
    try:
        await stack.call("iam", operation, params)
    except ServiceError as error:
        if error.code != "NoSuchEntity":
            raise
        return False
    return True


def tags_of(stack: StackContext, properties: Properties) -> list[dict[str, str]]:
    """The stack's tags, and over them the resource's own."""
    return core_tags.to_list({**stack.tags, **core_tags.to_map(properties.get("Tags"))})


async def retag(stack: StackContext, noun: str, who: dict[str, Any], new: Properties) -> None:
    """Bring the tags of a `Role`, `User`, ... (as in `TagRole`) to what the template says."""
    wanted = core_tags.to_map(tags_of(stack, new))
    present = core_tags.to_map((await stack.call("iam", f"List{noun}Tags", who))["Tags"])
    gone = [key for key in present if key not in wanted]
    if gone:
        await stack.call("iam", f"Untag{noun}", {**who, "TagKeys": gone})
    if wanted != present and wanted:
        await stack.call("iam", f"Tag{noun}", {**who, "Tags": core_tags.to_list(wanted)})


def copied(properties: Properties, *names: str) -> dict[str, Any]:
    return {name: properties[name] for name in names if name in properties}
