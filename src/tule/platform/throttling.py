"""Limits of throughput that services hold for their users, where `Config.throttling` says so; by each node for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tule.platform.call import Call


def is_limited(call: Call) -> bool:
    """Limits hold for those who call from outside; what the platform reads and writes for its services does not count."""
    return bool(call.headers) and call.node.config.throttled


class Bucket:
    """Fills at `rate` a second, up to `burst_s` seconds' worth; begins with one second's.

    What is taken beyond what is there is a debt, which has to fill up first.
    """

    __slots__ = ("_at_ms", "_burst_s", "_level", "rate")

    def __init__(self, rate: float, now_ms: int, burst_s: int = 1) -> None:
        self.rate = rate
        self._burst_s = burst_s
        self._level = rate
        self._at_ms = now_ms

    def level(self, now_ms: int) -> float:
        """How much there is; less than nothing where something is owed."""
        self._level = min(self.rate * self._burst_s, self._level + self.rate * max(0, now_ms - self._at_ms) / 1000)
        self._at_ms = now_ms
        return self._level

    def holds(self, amount: float, now_ms: int) -> bool:
        """Whether `amount` may be taken: all of it is there, or a second's worth."""
        return self.level(now_ms) >= min(amount, self.rate)

    def take(self, amount: float) -> None:
        self._level -= amount
