"""Refusals, as a client of AWS sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(operation: Callable[..., Any], **params: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        operation(**params)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]
