"""Pages of a hundred, as all of SNS's lists come."""

from __future__ import annotations

from tule.platform.call import Call
from tule.services.sns import errors

PAGE = 100


def position(call: Call, scope: str, token: str | None) -> str:
    """Raises InvalidParameter for a token that is none of ours."""
    return str(call.node.pager.after(scope, token, lambda: errors.invalid_reason("NextToken", "Token is not valid")))
