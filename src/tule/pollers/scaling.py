"""How many batches of a queue are handled at a time: five at first, more while messages keep coming, fewer when throttled.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: 300 more a minute, up to 1,250 (of standard queues); a
maximum concurrency, where it is set, is the limit instead.  Provisioned pollers handle ten batches each: the fewest of them at
first, the most of them at most, and 1,000 more a minute.
"""

from __future__ import annotations

AT_FIRST = 5
AT_MOST = 1_250
MORE_A_MINUTE = 300
A_POLLER = 10
MORE_A_MINUTE_PROVISIONED = 1_000


class Scaling:
    def __init__(self, maximum: int | None, pollers: tuple[int, int] | None = None) -> None:
        """`pollers`: the fewest and the most that are provisioned."""
        fewest, most = pollers or (0, 0)
        self._maximum = maximum or most * A_POLLER or AT_MOST
        self._at_first = min(fewest * A_POLLER or AT_FIRST, self._maximum)
        self._more_a_minute = MORE_A_MINUTE_PROVISIONED if pollers else MORE_A_MINUTE
        self._ceiling = float(self._at_first)
        self._grown_ms: int | None = None

    def limit(self) -> int:
        return max(1, int(self._ceiling))

    def busy(self, now_ms: int) -> None:
        """There is more than is being handled."""
        if self._grown_ms is not None:
            self._ceiling = min(self._maximum, self._ceiling + (now_ms - self._grown_ms) * self._more_a_minute / 60_000)
        self._grown_ms = now_ms

    def idle(self) -> None:
        """There is nothing more."""
        self._ceiling = float(self._at_first)
        self._grown_ms = None

    def throttled(self) -> None:
        self._ceiling = max(1.0, self._ceiling / 2)
        self._grown_ms = None
