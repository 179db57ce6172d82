"""StartLiveTail: what arrives, as it arrives.  AWS: CloudWatch Logs API reference, StartLiveTail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tule.platform.call import Call
from tule.services.logs import errors
from tule.services.logs.groups import fetch, group_arn, name_from_identifier
from tule.services.logs.operations.events import pattern_of
from tule.services.logs.tailing import Heard, Tail, tails

UPDATE_EVERY_S = 1.0
MAX_EVENTS_AN_UPDATE = 500
SESSION_S = 3 * 3600

Params = dict[str, Any]


async def start_live_tail(call: Call, params: Params) -> Params:
    groups = [name_from_identifier(identifier) for identifier in params["logGroupIdentifiers"]]
    for name in groups:
        await fetch(call, name)
    names, prefixes = params.get("logStreamNames", []), params.get("logStreamNamePrefixes", [])
    if (names or prefixes) and len(groups) > 1:
        raise errors.invalid_parameter("Log stream names and prefixes can be specified only with a single log group.")
    if names and prefixes:
        raise errors.invalid_parameter("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    matches = pattern_of(params.get("logEventFilterPattern", ""))

    def wants(stream: str, message: str) -> bool:
        named = stream in names if names else not prefixes or stream.startswith(tuple(prefixes))
        return named and matches(message)

    tail = Tail(call.account, call.region, frozenset(groups), wants)
    tails(call.node).open(tail)  # before the answer begins: nothing that is put after it is missed
    return {"responseStream": _session(call, params, tail)}


async def _session(call: Call, params: Params, tail: Tail) -> AsyncIterator[Params]:
    try:
        yield {"sessionStart": _start(call, params)}
        loop = asyncio.get_running_loop()
        ends = loop.time() + SESSION_S
        while loop.time() < ends:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(UPDATE_EVERY_S):
                    await tail.arrived.wait()
            yield {"sessionUpdate": _update(call, tail)}
    finally:
        tails(call.node).close(tail)


def _start(call: Call, params: Params) -> Params:
    return {
        "requestId": call.id,
        "sessionId": call.node.ids.uuid(),
        "logGroupIdentifiers": params["logGroupIdentifiers"],
        "logStreamNames": params.get("logStreamNames", []),
        "logStreamNamePrefixes": params.get("logStreamNamePrefixes", []),
        "logEventFilterPattern": params.get("logEventFilterPattern", ""),
    }


def _update(call: Call, tail: Tail) -> Params:
    tail.arrived.clear()
    told = [tail.pending.popleft() for _ in range(min(len(tail.pending), MAX_EVENTS_AN_UPDATE))]
    if tail.pending:
        tail.arrived.set()
    sampled, tail.sampled = tail.sampled, False
    return {"sessionMetadata": {"sampled": sampled}, "sessionResults": [_result(call, heard) for heard in told]}


def _result(call: Call, heard: Heard) -> Params:
    return {
        "logStreamName": heard.stream,
        "logGroupIdentifier": group_arn(call.account, call.region, heard.group).split(":", 4)[4],
        "message": heard.event.message,
        "timestamp": heard.event.time_ms,
        "ingestionTime": heard.event.ingested_ms,
    }
