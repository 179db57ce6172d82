"""What a function or a target says of a batch: which items failed.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting,
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import orjson


class InvalidResponse(ValueError):
    """The whole batch counts as failed."""


def failed_items(payload: bytes, ids: Collection[str]) -> frozenset[str]:
    """The ids that the answer names; none when all went well.  Raises InvalidResponse.

    An empty or absent answer, or one without `batchItemFailures`, is a success.  Names that are empty, misspelt or not in
    the batch make all of it a failure.
    """
    answer = _answer(payload)
    failures = answer.get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        raise InvalidResponse("batchItemFailures is no list")
    return frozenset(_id(item, ids) for item in cast("list[Any]", failures))


def _answer(payload: bytes) -> dict[str, Any]:
    if not payload.strip():
        return {}
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise InvalidResponse("the answer is not JSON") from error
    if answer in (None, "", []):
        return {}
    if not isinstance(answer, dict):
        raise InvalidResponse("the answer is no object")
    return cast("dict[str, Any]", answer)


def _id(item: Any, ids: Collection[str]) -> str:
    named = cast("dict[str, Any]", item).get("itemIdentifier") if isinstance(item, dict) else None
    if not isinstance(named, str) or named not in ids:
        raise InvalidResponse(f"{named!r} is no item of the batch")
    return named
