"""Tags of buses and rules."""

from __future__ import annotations

from tule.core import tags as tag_rules
from tule.services.events import errors


def checked(tags: dict[str, str]) -> dict[str, str]:
    """Raises ValidationException.  CloudFormation's own tags may begin with `aws:`."""
    violation = tag_rules.violation(tags)
    if violation is not None:
        raise errors.validation(f"Invalid tags: {violation}.")
    return tags
