"""The rules of keys' tags.  AWS: https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.tags import MAX_TAGS, OF_STACKS, to_map
from tule.services.kms import errors


def checked(tags: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Raises TagException."""
    found = to_map(tags, "TagKey", "TagValue")
    if len(found) < len(tags):
        raise errors.tags("Duplicate tag keys")
    for name in found:
        if name.lower().startswith("aws:") and not name.startswith(OF_STACKS):
            raise errors.tags("Tags beginning with aws: are reserved")
    check_count(found)
    return found


def check_count(tags: Mapping[str, str]) -> None:
    if sum(1 for name in tags if not name.startswith(OF_STACKS)) > MAX_TAGS:
        raise errors.tags("Too many tags")
