"""The enrichment: events go out, and what comes back takes their place.

An array is so many events, anything else one; an empty answer (`""`, `{}`, `[]`) means that there is nothing for the target.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/pipes-enrichment.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from tule.services.pipes.stations import Item, Station, StationFailed, array, invoke_function, request_destination, run_state_machine


async def enrich(at: Station, items: Sequence[Item]) -> bytes:
    """The answer as it came.  Raises ServiceError and StationFailed."""
    match at.arn.service:
        case "lambda":
            return await invoke_function(at, array(items))
        case "states":
            return await run_state_machine(at, array(items))
        case _:
            return await _request_each(at, items)


async def _request_each(at: Station, items: Sequence[Item]) -> bytes:
    """HTTP knows no batches."""
    answers = [await request_destination(at, item) for item in items]
    return answers[0] if len(answers) == 1 else b"[" + b",".join(answers) + b"]"


def events_of(answer: bytes) -> list[Any]:
    """Raises StationFailed for what is no JSON."""
    if not answer.strip():
        return []
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise StationFailed("The enrichment's answer is not valid JSON.", answer.decode(errors="replace")) from error
    if found in ("", {}, [], None):
        return []
    return found if isinstance(found, list) else [found]
