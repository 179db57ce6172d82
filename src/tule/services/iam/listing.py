"""Pages of lists: `Marker`, `MaxItems`, `IsTruncated`, `PathPrefix`.  AWS: IAM API reference, any List action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.services.iam import errors

T = TypeVar("T")
DEFAULT_MAX_ITEMS = 100


def page(call: Call, params: dict[str, Any], member: str, rows: Sequence[T], key: Callable[[T], str], show: Callable[[T], Any]) -> dict[str, Any]:
    """`rows` in the order of `key`, cut after the marker's position and at MaxItems, shown under `member`."""
    after = position(call, params)
    left = [row for row in rows if after is None or key(row) > after]
    limit = params.get("MaxItems", DEFAULT_MAX_ITEMS)
    result: dict[str, Any] = {member: [show(row) for row in left[:limit]], "IsTruncated": len(left) > limit}
    if result["IsTruncated"]:
        result["Marker"] = marker(call, key(left[limit - 1]))
    return result


def numbered(call: Call, params: dict[str, Any], member: str, rows: Sequence[T], show: Callable[[T], Any]) -> dict[str, Any]:
    """Like `page`, for lists whose order is their own: the marker says how many were shown."""
    indexed = list(enumerate(rows))
    return page(call, params, member, indexed, lambda row: f"{row[0]:08d}", lambda row: show(row[1]))


def position(call: Call, params: dict[str, Any]) -> str | None:
    text = params.get("Marker")
    if text is None:
        return None
    try:
        return call.node.pager.position(_scope(call), text)
    except InvalidToken as error:
        raise errors.validation_error(f"Invalid Marker: {text}") from error


def marker(call: Call, at: str) -> str:
    return call.node.pager.token(_scope(call), at)


def _scope(call: Call) -> str:
    return f"iam:{call.account}:{call.operation}"
