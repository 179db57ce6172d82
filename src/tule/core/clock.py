"""Time, from one place, so that tests and users can turn it.

Times in state are whole milliseconds since the epoch, named `..._ms`.  Times in parameters and results of operations
are seconds since the epoch as a number.  Durations that are measured (a request took 3 ms) do not come from here:
they use `time.perf_counter`, which nobody turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Protocol

Mode = Literal["real", "frozen", "accelerated"]


class Clock(Protocol):
    def now_ms(self) -> int: ...

    def real_s_until(self, due_ms: int) -> float | None:
        """How many real seconds it is until the clock shows `due_ms`, as it runs now; None when it stands still before that."""
        ...

    async def sleep_until(self, due_ms: int) -> None:
        """Return once the clock shows `due_ms` or later."""
        ...

    def on_change(self, notify: Callable[[], None]) -> None:
        """Call `notify` whenever the clock jumps or changes its speed, so that sleepers look again."""
        ...


class TurnableClock:
    """The node's clock: real until somebody freezes, advances or accelerates it.

    It keeps a base (virtual milliseconds, real monotonic seconds) and a speed; virtual time is
    `base + (monotonic - base_monotonic) * speed`.  Frozen is speed 0.
    """

    def __init__(self) -> None:
        self._offset_ms: float | None = None  # None: follow the wall clock
        self._base_ms = 0.0
        self._base_monotonic = 0.0
        self._speed = 1.0
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def mode(self) -> Mode:
        if self._offset_ms is None:
            return "real"
        return "frozen" if self._speed == 0 else "accelerated"

    @property
    def speed(self) -> float:
        return self._speed

    def now_ms(self) -> int:
        if self._offset_ms is None:
            return int(time.time() * 1000)
        return int(self._base_ms + (time.monotonic() - self._base_monotonic) * 1000 * self._speed)

    def on_change(self, notify: Callable[[], None]) -> None:
        self._listeners.append(notify)

    def freeze(self, at_ms: int | None = None) -> None:
        self._rebase(self.now_ms() if at_ms is None else at_ms, 0.0)

    def accelerate(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive; freeze() stops the clock")
        self._rebase(self.now_ms(), speed)

    def move(self, by_ms: int) -> None:
        """Jump forward by `by_ms`; the mode stays, but a real clock becomes one that runs at speed 1 ahead of the wall."""
        if by_ms < 0:
            raise ValueError("the clock never goes back")
        self._rebase(self.now_ms() + by_ms, self._speed if self._offset_ms is not None else 1.0)

    def follow_wall(self) -> None:
        """Back to real time."""
        self._offset_ms = None
        self._speed = 1.0
        self._notify()

    def real_s_until(self, due_ms: int) -> float | None:
        left_ms = due_ms - self.now_ms()
        if left_ms <= 0:
            return 0.0
        return left_ms / 1000 / self._speed if self._speed else None

    async def sleep_until(self, due_ms: int) -> None:
        while due_ms > self.now_ms():
            changed = self._changed
            try:
                async with asyncio.timeout(self.real_s_until(due_ms)):  # Python 3.11's wait_for may swallow a cancellation
                    await changed.wait()
            except TimeoutError:
                continue

    def _rebase(self, at_ms: float, speed: float) -> None:
        self._offset_ms = 0.0
        self._base_ms, self._base_monotonic, self._speed = float(at_ms), time.monotonic(), speed
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for notify in self._listeners:
            notify()


def iso8601(at_ms: int) -> str:
    """`2024-05-01T12:00:00.123Z`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
