"""How many batches of a queue are handled at a time: five at first, more while messages keep coming, fewer when throttled.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: 300 more a minute, up to 1,250 (of standard queues); a
maximum concurrency, where it is set, is the limit instead.
"""

from __future__ import annotations

AT_FIRST = 5
AT_MOST = 1_250
MORE_A_MINUTE = 300


class Scaling:
    def __init__(self, maximum: int | None) -> None:
        self._maximum = maximum or AT_MOST
        self._ceiling = float(min(AT_FIRST, self._maximum))
        self._grown_ms: int | None = None

    def limit(self) -> int:
        return max(1, int(self._ceiling))

    def busy(self, now_ms: int) -> None:
        """There is more than is being handled."""
        if self._grown_ms is not None:
            self._ceiling = min(self._maximum, self._ceiling + (now_ms - self._grown_ms) * MORE_A_MINUTE / 60_000)
        self._grown_ms = now_ms

    def idle(self) -> None:
        """There is nothing more."""
        self._ceiling = float(min(AT_FIRST, self._maximum))
        self._grown_ms = None

    def throttled(self) -> None:
        self._ceiling = max(1.0, self._ceiling / 2)
        self._grown_ms = None
