"""How many calls of the API an account makes in a second: 15 together, but for GetFunction (100), GetPolicy (15) and invocations.

Held where `Config.throttling` says so (by itself in strict mode), by each node for itself, for calls from outside.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, cast

from tule.platform.call import Call
from tule.platform.service import Operation
from tule.platform.throttling import Bucket, is_limited
from tule.services.lambda_ import errors

ALL_TOGETHER = 15
ALONE = {"GetFunction": 100, "GetPolicy": 15}
_UNCOUNTED = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
_DATA_PLANE = ("DurableExecution",)  # what running functions call


def limited(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The same operations, each of which counts its calls first."""
    return {name: operation if _is_uncounted(name) else _counting(operation) for name, operation in operations.items()}


def _is_uncounted(name: str) -> bool:
    return name in _UNCOUNTED or any(part in name for part in _DATA_PLANE)


def _counting(operation: Operation) -> Operation:
    run: Callable[..., Any] = operation.run

    def counted(call: Call, *rest: Any) -> Any:
        _count(call)
        return run(call, *rest)

    async def counted_coroutine(call: Call, *rest: Any) -> Any:
        _count(call)
        return await run(call, *rest)

    return dataclasses.replace(operation, run=counted_coroutine if operation.is_coroutine else counted)


def _count(call: Call) -> None:
    """Raises TooManyRequestsException."""
    if not is_limited(call):
        return
    buckets = cast("dict[tuple[str, str, str], Bucket]", call.node.memory.setdefault("lambda.caller-rates", {}))
    alone = ALONE.get(call.operation)
    key = (call.account, call.region, call.operation if alone else "")
    bucket = buckets.setdefault(key, Bucket(alone or ALL_TOGETHER, call.now_ms))
    if not bucket.holds(1, call.now_ms):
        raise errors.called_too_often()
    bucket.take(1)
