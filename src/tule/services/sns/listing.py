"""Pages of a hundred, as all of SNS's lists come."""

from __future__ import annotations

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.services.sns import errors

PAGE = 100


def position(call: Call, scope: str, token: str | None) -> str:
    """Raises InvalidParameter for a token that is none of ours."""
    if not token:
        return ""
    try:
        return str(call.node.pager.position(scope, token))
    except InvalidToken as error:
        raise errors.invalid_reason("NextToken", "Token is not valid") from error
