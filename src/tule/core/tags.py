"""Tags, in the two forms in which AWS's services carry them, and the rules they share.

AWS: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MAX_TAGS = 50
MAX_KEY_CHARS = 128
MAX_VALUE_CHARS = 256
OF_STACKS = "aws:cloudformation:"


def to_map(tags: Iterable[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """`[{"Key": k, "Value": v}]` to `{k: v}`."""
    return {tag[key]: tag.get(value, "") for tag in tags or ()}


def to_list(tags: Mapping[str, str] | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """`{k: v}` to `[{"Key": k, "Value": v}]`, in the order of the map."""
    return [{key: k, value: v} for k, v in (tags or {}).items()]


def violation(tags: Mapping[str, str]) -> str | None:
    """What is wrong with these tags, in words, or None.  Services say it in an error of their own.

    The tags by which CloudFormation marks its stacks' resources pass; other keys with `aws:` are nobody's to set.
    """
    if len(tags) > MAX_TAGS:
        return f"more than {MAX_TAGS} tags"
    for name, text in tags.items():
        if not 1 <= len(name) <= MAX_KEY_CHARS:
            return f"tag key {name[:40]!r} must have 1 to {MAX_KEY_CHARS} characters"
        if len(text) > MAX_VALUE_CHARS:
            return f"value of tag {name!r} is longer than {MAX_VALUE_CHARS} characters"
        if name.lower().startswith("aws:") and not name.startswith(OF_STACKS):
            return f"tag key {name!r} begins with the reserved prefix aws:"
    return None
