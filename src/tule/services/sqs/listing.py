"""Pages of queue URLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.core.paging import InvalidToken, page
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import errors
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import url_of

MAX_RESULTS = 1000

Fetch = Callable[[str, int], list[Queue]]


def listed(call: Call, params: Params, scope: str, member: str, fetch: Fetch) -> dict[str, Any]:
    """A page of queue URLs; `fetch(after, limit)` gives queues in the order of their names.  Raises InvalidParameterValue."""
    limit = params.get("MaxResults")
    if limit is not None and not 1 <= limit <= MAX_RESULTS:
        raise errors.invalid_value(limit, "MaxResults", f"Must be an integer from 1 to {MAX_RESULTS}")
    after = ""
    scope = f"{call.account}|{call.region}|{scope}"
    if params.get("NextToken"):
        try:
            after = call.node.pager.position(scope, params["NextToken"])
        except InvalidToken as error:
            raise errors.invalid_parameter("Invalid or expired next token.") from error
    shown, last = page(fetch(after, (limit or MAX_RESULTS) + 1), limit or MAX_RESULTS, lambda queue: queue.name)
    result: dict[str, Any] = {member: [url_of(call.endpoint, queue.key) for queue in shown]} if shown else {}
    if last is not None and limit is not None:
        result["NextToken"] = call.node.pager.token(scope, last)
    return result
