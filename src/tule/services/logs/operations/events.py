"""Putting, getting and filtering log events.  AWS: CloudWatch Logs API reference, PutLogEvents, GetLogEvents, FilterLogEvents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tule.core.paging import InvalidToken
from tule.lang.log_patterns import InvalidPattern, Matcher, compile_pattern
from tule.platform.call import Call
from tule.services.logs import encryption, errors, metrics, positions, publishing, tailing
from tule.services.logs.groups import DAY_MS, Group, fetch, name_of, oldest_shown_ms
from tule.services.logs.operations.streams import sequence_token
from tule.watch import log_store
from tule.watch.log_store import BEGINNING, END, EVENT_OVERHEAD_BYTES, LAST_MS, Event, Position

MAX_UPLOAD_BYTES = 1_048_576
MAX_SPAN_MS = DAY_MS
MAX_PAST_MS = 14 * DAY_MS
MAX_FUTURE_MS = 2 * 3_600_000
MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1_048_576
SCAN_ROWS = 1_000  # read at once while filtering, so that other calls come in between
MAX_SCANNED_ROWS = 100_000  # a page may be short, or empty, when little matches

Params = dict[str, Any]


async def put_log_events(call: Call, params: Params) -> Params:
    events = [(int(event["timestamp"]), str(event["message"])) for event in params["logEvents"]]
    _check_batch(events)
    group = await fetch(call, params["logGroupName"])
    kept, rejected = _within_time(events, group, call.now_ms)
    name = params["logStreamName"]
    if kept:
        written = await encryption.sealed(call, params["logGroupName"], group["kms_key"], kept) if "kms_key" in group else kept
        added = await call.node.telemetry.write(lambda tx: log_store.append(tx, group["id"], name, written))
        if added is None:
            raise errors.no_stream()
        if written is not kept:
            added = [replace(event, message=message) for event, (_, message) in zip(added, kept, strict=True)]
        metrics.taken(call, params["logGroupName"], kept)
        tailing.tails(call.node).publish(call.account, call.region, params["logGroupName"], name, added)
        if "subscriptions" in group:
            await publishing.publish(call, group, params["logGroupName"], name, added)
    stream = await call.node.telemetry.read(lambda tx: log_store.stream(tx, group["id"], name))
    if stream is None:
        raise errors.no_stream()
    answer: Params = {"nextSequenceToken": sequence_token(stream.id, stream.last_ingestion_ms or 0)}
    return answer | {"rejectedLogEventsInfo": rejected} if rejected else answer


def _check_batch(events: Sequence[tuple[int, str]]) -> None:
    size = 0
    for i, (time_ms, message) in enumerate(events):
        length = len(message.encode()) + EVENT_OVERHEAD_BYTES
        if length > MAX_UPLOAD_BYTES:
            raise errors.invalid_parameter(f"Log event too large: {length} bytes exceeds limit of {MAX_UPLOAD_BYTES}")
        size += length
        if i and time_ms < events[i - 1][0]:
            raise errors.invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.")
    if size > MAX_UPLOAD_BYTES:
        raise errors.invalid_parameter(f"Upload too large: {size} bytes exceeds limit of {MAX_UPLOAD_BYTES}")
    if events[-1][0] - events[0][0] > MAX_SPAN_MS:
        raise errors.invalid_parameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")


def _within_time(events: Sequence[tuple[int, str]], group: Group, now_ms: int) -> tuple[list[tuple[int, str]], Params]:
    """The events that are taken, and RejectedLogEventsInfo for the others; `events` are in the order of their times."""
    too_old = sum(time_ms < now_ms - MAX_PAST_MS for time_ms, _ in events)
    expired = sum(time_ms < oldest_shown_ms(group, now_ms) for time_ms, _ in events)
    too_new = sum(time_ms > now_ms + MAX_FUTURE_MS for time_ms, _ in events)
    rejected: Params = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(events) - too_new
    return list(events[max(too_old, expired) : len(events) - too_new]), rejected


async def get_log_events(call: Call, params: Params) -> Params:
    name = name_of(params)
    group = await fetch(call, name)
    page = await call.node.telemetry.read(lambda tx: _page_of_stream(tx, call, group, params))
    if encryption.is_sealed(group):
        page["events"] = [{**event, "message": await encryption.message_of(call, name, event["message"])} for event in page["events"]]
    return page


def _page_of_stream(tx: log_store.Tx, call: Call, group: Group, params: Params) -> Params:
    stream = log_store.stream(tx, group["id"], params["logStreamName"])
    if stream is None:
        raise errors.no_stream()
    start_ms = max(params.get("startTime", 0), oldest_shown_ms(group, call.now_ms))
    end_ms = params.get("endTime", LAST_MS)
    direction, at = _direction(params)
    limit = params.get("limit", MAX_EVENTS)
    if direction == "f":
        events = _fitting(log_store.forward(tx, stream.id, start_ms, end_ms, at, limit))
    else:
        events = _fitting(log_store.backward(tx, stream.id, start_ms, end_ms, at, limit))[::-1]
    nowhere = _where_nothing_is(at, start_ms)
    first, last = (events[0].position, events[-1].position) if events else (nowhere, nowhere)
    return {
        "events": [{"timestamp": event.time_ms, "message": event.message, "ingestionTime": event.ingested_ms} for event in events],
        "nextForwardToken": positions.token("f", last),
        "nextBackwardToken": positions.token("b", first),
    }


def _direction(params: Params) -> tuple[str, Position]:
    if params.get("nextToken"):
        return positions.parse(params["nextToken"])
    return ("f", BEGINNING) if params.get("startFromHead") else ("b", END)


def _fitting(events: list[Event]) -> list[Event]:
    """As many as one answer may carry."""
    size = 0
    for i, event in enumerate(events):
        size += event.size
        if size > MAX_PAGE_BYTES and i:
            return events[:i]
    return events


def _where_nothing_is(at: Position, start_ms: int) -> Position:
    """The position that an empty page's tokens name: where it was looked from, so that a token comes back unchanged."""
    return Position(start_ms, "", -1) if at in (BEGINNING, END) else at


async def filter_log_events(call: Call, params: Params) -> Params:
    if params.get("logStreamNames") and params.get("logStreamNamePrefix"):
        raise errors.invalid_parameter("Log stream names and log stream name prefix are mutually exclusive parameters.")
    name = name_of(params)
    group = await fetch(call, name)
    matches = pattern_of(params.get("filterPattern", ""))
    scope = f"logs.FilterLogEvents.{group['id']}.{params.get('filterPattern', '')}"
    after = _filter_position(call, scope, params)
    names = await call.node.telemetry.read(lambda tx: log_store.stream_names(tx, group["id"]))
    wanted = {stream_id: stream for stream_id, stream in names.items() if _is_wanted(stream, params)}
    events, more = await _scan(call, name, group, params, wanted, matches, after)
    answer: Params = {"events": [_found(event, wanted[event.stream_id]) for event in events], "searchedLogStreams": []}
    if more is not None:
        answer["nextToken"] = call.node.pager.token(scope, list(more))
    return answer


async def _scan(
    call: Call, name: str, group: Group, params: Params, wanted: dict[str, str], matches: Matcher, after: Position
) -> tuple[list[Event], Position | None]:
    """The events of a page, and where the next one begins; None at the end."""
    start_ms = max(params.get("startTime", 0), oldest_shown_ms(group, call.now_ms))
    end_ms, limit = params.get("endTime", LAST_MS - 1) + 1, params.get("limit", MAX_EVENTS)
    found: list[Event] = []
    size = scanned = 0
    while True:
        rows = await call.node.telemetry.read(lambda tx, at=after: log_store.in_group(tx, group["id"], start_ms, end_ms, at, SCAN_ROWS))
        if encryption.is_sealed(group):
            rows = await encryption.opened(call, name, rows)
        for event in rows:
            if event.stream_id in wanted and matches(event.message):
                size += event.size
                if len(found) == limit or (size > MAX_PAGE_BYTES and found):
                    return found, after
                found.append(event)
            after = event.position
        if not rows:
            return found, None
        scanned += len(rows)
        if scanned >= MAX_SCANNED_ROWS:
            return found, after
        await asyncio.sleep(0)


def _is_wanted(stream: str, params: Params) -> bool:
    names = params.get("logStreamNames")
    return stream in names if names else stream.startswith(params.get("logStreamNamePrefix", ""))


def _filter_position(call: Call, scope: str, params: Params) -> Position:
    if not params.get("nextToken"):
        return BEGINNING
    try:
        return Position(*call.node.pager.position(scope, params["nextToken"]))
    except InvalidToken as error:
        raise errors.invalid_token() from error


def _found(event: Event, stream: str) -> Params:
    return {
        "logStreamName": stream,
        "timestamp": event.time_ms,
        "message": event.message,
        "ingestionTime": event.ingested_ms,
        "eventId": positions.digits(event.position),
    }


def pattern_of(text: str) -> Matcher:
    """Raises InvalidParameterException."""
    try:
        return compile_pattern(text)
    except InvalidPattern as error:
        raise errors.invalid_parameter("Invalid filter pattern") from error
