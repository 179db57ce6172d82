"""The rules of tags, in this service's words."""

from __future__ import annotations

from collections.abc import Mapping

from tule.core.tags import violation
from tule.services.schemas import errors


def checked(tags: Mapping[str, str] | None, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """All tags then.  Raises BadRequestException."""
    merged = {**(before or {}), **(tags or {})}
    wrong = violation(merged)
    if wrong is not None:
        raise errors.bad_request(f"The tags are not valid: {wrong}.")
    return merged
