"""Pages of whatever EventBridge lists: `Limit`, 100 when it is not given, and `NextToken`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tule.core.paging import InvalidToken
from tule.core.paging import page as split
from tule.platform.call import Call
from tule.services.events import errors

MAX_RESULTS = 100
T = TypeVar("T")


def paged(
    call: Call,
    params: dict[str, Any],
    member: str,
    page: Callable[[str, int], Sequence[tuple[str, T]]],
    shown: Callable[[str, T], Any],
    *filters: str,
) -> dict[str, Any]:
    """`page` gives names and records after a name, at most so many; `filters` must not change from page to page."""
    scope = f"events.{call.operation}.{call.account}.{call.region}.{'.'.join(filters)}"
    limit = params.get("Limit") or params.get("MaxResults") or MAX_RESULTS
    rows, last = split(page(_after(call, scope, params), limit + 1), limit, lambda row: row[0])
    answer: dict[str, Any] = {member: [shown(name, record) for name, record in rows]}
    if last is not None:
        answer["NextToken"] = call.node.pager.token(scope, last)
    return answer


def _after(call: Call, scope: str, params: dict[str, Any]) -> str:
    if not params.get("NextToken"):
        return ""
    try:
        return call.node.pager.position(scope, params["NextToken"])
    except InvalidToken as error:
        raise errors.invalid_parameter("NextToken") from error
