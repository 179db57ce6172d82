"""Pages of listings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.services.schemas import errors

DEFAULT_LIMIT = 100

Params = dict[str, Any]


def start(call: Call, params: Params) -> tuple[str, int]:
    """After which key the page begins, and how many it has.  Raises BadRequestException."""
    after = call.node.pager.after(_scope(call), params.get("NextToken"), lambda: errors.bad_request("The NextToken is not valid."))
    limit = params.get("Limit") or DEFAULT_LIMIT
    if not 1 <= limit <= DEFAULT_LIMIT:
        raise errors.bad_request(f"Limit must be between 1 and {DEFAULT_LIMIT}.")
    return str(after), limit


def shown(call: Call, member: str, rows: Sequence[tuple[str, Params]], limit: int) -> Params:
    """The answer, from (key, entry) rows read with a limit of one more."""
    entries, last = page(rows, limit, lambda row: row[0])
    answer: Params = {member: [entry for _, entry in entries]}
    return answer if last is None else answer | {"NextToken": call.node.pager.token(_scope(call), last)}


def _scope(call: Call) -> str:
    return f"schemas.{call.operation}.{call.account}.{call.region}"
