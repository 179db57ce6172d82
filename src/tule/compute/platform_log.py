"""Where the platform's events of one instance go: into the function's log, in its format and from its level on, and to telemetry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from tule.compute.compute import FunctionSpec
from tule.compute.log_pipe import LogPipe
from tule.compute.platform_events import PlatformEvent
from tule.core.clock import iso8601

_RANKS = {"DEBUG": 0, "INFO": 1, "WARN": 2}


class Follower(Protocol):
    """Who is told besides the log."""

    def platform(self, at_ms: int, event: PlatformEvent) -> None: ...


class PlatformLog:
    def __init__(self, function: FunctionSpec, log: LogPipe, now_ms: Callable[[], int], follower: Follower) -> None:
        self._log = log
        self._now_ms = now_ms
        self._follower = follower
        self._json = function.log_format == "JSON"
        self._least = _RANKS.get(function.system_log_level, _RANKS["INFO"])

    def tell(self, event: PlatformEvent) -> None:
        at_ms = self._now_ms()
        if not self._json:
            if event.text:
                self._log.add(event.text)
        elif event.level is not None and _RANKS[event.level] >= self._least:
            self._log.add(json.dumps({"time": iso8601(at_ms), "type": event.kind, "record": event.record}, separators=(",", ":")))
        self._follower.platform(at_ms, event)

    def warn(self, text: str) -> None:
        """What AWS would never have to say: something else stands in for what the function asks for."""
        at = iso8601(self._now_ms())
        self._log.add(json.dumps({"timestamp": at, "level": "WARN", "message": text}) if self._json else f"[WARNING] {text}\n")
