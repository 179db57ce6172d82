"""Resource policies as requests give them: checked, sized, and numbered by revisions.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
"""

from __future__ import annotations

from tule.access.policy import validate
from tule.services.dynamodb import errors

MAX_BYTES = 20 * 1024  # without white space


def check(text: str) -> None:
    """Raises ValidationException."""
    if len("".join(text.split())) > MAX_BYTES:
        raise errors.validation(f"Resource policy exceeds the maximum size of {MAX_BYTES} bytes")
    try:
        validate.resource_policy(text)
    except ValueError as error:
        raise errors.validation(f"Resource policy validation failed: {error}") from error


def revision(now_ms: int, before: str | None = None) -> str:
    """A number that no earlier revision of a table's policy has."""
    return str(now_ms if before is None else max(now_ms, int(before) + 1))
