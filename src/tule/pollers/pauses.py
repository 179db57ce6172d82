"""How long to wait before the next attempt: doubled each time, up to a minute."""

from __future__ import annotations

FIRST_MS = 250
AT_MOST_MS = 60_000


class Pauses:
    def __init__(self, first_ms: int = FIRST_MS, at_most_ms: int = AT_MOST_MS) -> None:
        self._first_ms = first_ms
        self._at_most_ms = at_most_ms
        self._taken = 0

    def next_ms(self) -> int:
        pause_ms = min(self._at_most_ms, self._first_ms * 2 ** min(self._taken, 20))
        self._taken += 1
        return pause_ms

    def clear(self) -> None:
        self._taken = 0
