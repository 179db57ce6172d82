"""Tags of tables, checked in DynamoDB's words.  AWS: DynamoDB developer guide, Tagging restrictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.tags import MAX_KEY_CHARS, MAX_TAGS, MAX_VALUE_CHARS, OF_STACKS
from tule.services.dynamodb import errors

_ALSO = frozenset(" +-=._:/@")


def given(tags: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Tags as a request gives them.  Raises ValidationException."""
    found: dict[str, str] = {}
    for tag in tags or ():
        key, value = tag["Key"], tag["Value"]
        if key in found:
            raise errors.parameter_values(f"Duplicate tag key provided: {key}")
        check_key(key)
        if len(value) > MAX_VALUE_CHARS or not _is_plain(value):
            raise errors.validation(f"One or more parameter values were invalid: Tag value is not valid: {value}")
        found[key] = value
    return found


def check_key(key: str) -> None:
    """Raises ValidationException."""
    if not 1 <= len(key) <= MAX_KEY_CHARS or not _is_plain(key):
        raise errors.parameter_values(f"Tag key is not valid: {key}")
    if key.lower().startswith("aws:") and not key.startswith(OF_STACKS):
        raise errors.parameter_values(f"Tag keys starting with 'aws:' are reserved for system use: {key}")


def check_count(tags: Mapping[str, str]) -> None:
    """Raises ValidationException."""
    if len(tags) > MAX_TAGS:
        raise errors.parameter_values(f"Too many tags: {len(tags)}. The number of tags exceeds the limit of {MAX_TAGS} per resource")


def _is_plain(text: str) -> bool:
    return all(char.isalnum() or char in _ALSO or char.isspace() for char in text)
