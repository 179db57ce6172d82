"""Telemetry of one instance: its platform's events, and what function and extensions write, brought to subscribed extensions.

Events are kept from the beginning of Init, so that who subscribes during Init has all.  Each subscriber has a buffer of its own that
is sent when it is full or old enough; one that takes nothing loses events, and is told how many.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tule.compute import platform_events
from tule.compute.platform_events import PlatformEvent
from tule.core.clock import iso8601

MAX_EARLY = 10_000  # events of Init
MAX_HELD_BYTES = 4 << 20  # of one subscriber, written and not taken
_OF_OLD = {  # what the Logs API knows, by its schema
    "2020-08-15": {"start", "end", "report", "extension", "logsSubscription", "logsDropped", "fault"},
    "2021-03-18": {"start", "end", "report", "extension", "logsSubscription", "logsDropped", "fault", "runtimeDone"},
}
_NOT_NEW = {"platform.end", "platform.fault", "platform.logsSubscription"}
TEXT_RECORDS = "2022-07-01"  # the first schema: what functions write is text, be it JSON or not


class Destination(Protocol):
    async def send(self, batch: Sequence[bytes]) -> bool:
        """False when it was not taken, and may be later."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True, frozen=True)
class Buffering:
    max_items: int = 10_000
    max_bytes: int = 262_144
    timeout_s: float = 1.0


@dataclass(slots=True, frozen=True)
class Event:
    at_ms: int
    kind: str  # platform.start, function, extension
    record: Any
    is_json: bool = False  # the function says that it writes JSON


class Telemetry:
    """`json_logs` when the function's log format is JSON."""

    def __init__(self, json_logs: bool, wanted: bool) -> None:
        """Not `wanted`: there is nobody who could subscribe yet."""
        self._json_logs = json_logs
        self._early: list[Event] | None = [] if wanted else None
        self._subscribers: dict[str, Subscriber] = {}

    @property
    def _heard(self) -> bool:
        return self._early is not None or bool(self._subscribers)

    def platform(self, at_ms: int, event: PlatformEvent) -> None:
        if self._heard:
            self._add(Event(at_ms, event.kind, event.record))

    def function(self, at_ms: int, text: str) -> None:
        if self._heard:
            self._add(Event(at_ms, "function", text, self._json_logs))

    def extension(self, at_ms: int, text: str) -> None:
        self._add(Event(at_ms, "extension", text))

    def subscribe(self, name: str, types: Sequence[str], schema: str, destination: Destination, buffering: Buffering) -> None:
        """A second subscription of the same extension takes the first one's place."""
        if name in self._subscribers:
            self._subscribers.pop(name).close()
        subscriber = self._subscribers[name] = Subscriber(types, schema, destination, buffering)
        for event in self._early or ():
            subscriber.add(event)

    def end_init(self) -> None:
        self._early = None

    async def flush(self) -> None:
        await asyncio.gather(*(each.flush() for each in self._subscribers.values()))

    def close(self) -> None:
        for each in self._subscribers.values():
            each.close()

    def _add(self, event: Event) -> None:
        if self._early is not None and len(self._early) < MAX_EARLY:
            self._early.append(event)
        for each in self._subscribers.values():
            each.add(event)


class Subscriber:
    def __init__(self, types: Sequence[str], schema: str, destination: Destination, buffering: Buffering) -> None:
        self._types = frozenset(types)
        self._schema = schema
        self._destination = destination
        self._buffering = buffering
        self._held: list[bytes] = []
        self._size = 0
        self._dropped = 0
        self._dropped_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    def add(self, event: Event) -> None:
        if not self._wants(event.kind):
            return
        raw = self._encoded(event)
        if self._size + len(raw) > MAX_HELD_BYTES:
            self._dropped += 1
            self._dropped_bytes += len(raw)
            return
        self._held.append(raw)
        self._size += len(raw)
        if len(self._held) >= self._buffering.max_items or self._size >= self._buffering.max_bytes:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._buffering.timeout_s, self._send)

    async def flush(self) -> None:
        """Send what is held; returns when it was taken, or was refused."""
        self._send()
        if self._sending is not None:
            await asyncio.wait([self._sending])

    def close(self) -> None:
        for each in (self._timer, self._sending):
            if each is not None:
                each.cancel()
        self._destination.close()

    def _wants(self, kind: str) -> bool:
        family, _, name = kind.partition(".")
        if family not in self._types:
            return False
        return not name or (name in _OF_OLD[self._schema] if self._schema in _OF_OLD else kind not in _NOT_NEW)

    def _encoded(self, event: Event) -> bytes:
        record: Any = event.record
        if event.is_json and self._schema > TEXT_RECORDS and event.record[:1] == "{":
            try:
                record = json.loads(event.record)
            except ValueError:
                record = event.record
        return json.dumps({"time": iso8601(event.at_ms), "type": event.kind, "record": record}, separators=(",", ":")).encode()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sending is None and self._held:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        """What is not taken is tried again later, with what comes until then."""
        try:
            while self._held:
                batch = self._cut()
                if not await self._destination.send(batch):
                    self._held[:0] = batch
                    self._size += sum(map(len, batch))
                    break
                self._tell_dropped()
        finally:
            self._sending = None
        if self._held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._buffering.timeout_s, self._send)

    def _cut(self) -> list[bytes]:
        """As many as may go at once."""
        count = size = 0
        for raw in self._held[: self._buffering.max_items]:
            if count and size + len(raw) > self._buffering.max_bytes:
                break
            count, size = count + 1, size + len(raw)
        batch = self._held[:count]
        del self._held[:count]
        self._size -= size
        return batch

    def _tell_dropped(self) -> None:
        if self._dropped:
            event = platform_events.logs_dropped(self._dropped, self._dropped_bytes)
            self._dropped = self._dropped_bytes = 0
            document = {"type": event.kind, "record": event.record}
            self._held.append(json.dumps(document, separators=(",", ":")).encode())
            self._size += len(self._held[-1])
