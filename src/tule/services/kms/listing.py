"""Pages of listings: Limit, Marker, NextMarker, Truncated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import errors

T = TypeVar("T")
USUAL = 50


def after(call: Call, params: Params) -> Any:
    """Where a listing goes on.  Raises InvalidMarkerException."""
    return call.node.pager.after(_scope(call), params.get("Marker"), errors.invalid_marker)


def limit(params: Params, usual: int = USUAL) -> int:
    return params.get("Limit", usual)


def answer(
    call: Call, params: Params, member: str, rows: Sequence[T], position: Callable[[T], Any], shown: Callable[[T], Any], usual: int = USUAL
) -> Params:
    """Of rows that were read with a limit of one more than a page has."""
    some, last = page(rows, limit(params, usual), position)
    told: Params = {member: [shown(row) for row in some], "Truncated": last is not None}
    return told if last is None else told | {"NextMarker": call.node.pager.token(_scope(call), last)}


def _scope(call: Call) -> str:
    return f"kms.{call.operation}.{call.account}.{call.region}"
