"""What a client was refused with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(operation: Callable[..., Any], **params: Any) -> dict[str, Any]:
    """The error of a call that must fail, with its HTTP status as `Status`."""
    with pytest.raises(ClientError) as caught:
        operation(**params)
    return {**caught.value.response["Error"], "Status": caught.value.response["ResponseMetadata"]["HTTPStatusCode"]}
