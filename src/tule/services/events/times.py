"""The time in an event: seconds, `2026-01-02T03:04:05Z`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any


def event_ms(event: Mapping[str, Any]) -> int:
    return int(datetime.fromisoformat(event["time"]).timestamp() * 1000)


def event_time(ms: float) -> str:
    return _written(int(ms // 1000))


@lru_cache(16)
def _written(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
