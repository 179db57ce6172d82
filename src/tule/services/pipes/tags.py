"""The tags of pipes."""

from __future__ import annotations

from collections.abc import Mapping

from tule.core import tags as tag_rules
from tule.services.pipes import errors


def checked(there: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Those that are there with those that are given.  Raises ValidationException."""
    tags = {**there, **given}
    violation = tag_rules.violation(tags)
    if violation is not None:
        raise errors.invalid_field("Tags", f"Invalid tags: {violation}.")
    return tags
