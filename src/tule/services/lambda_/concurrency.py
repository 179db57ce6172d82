"""How many invocations run at once and how many begin in a second, counted in memory.

A function with reserved concurrency has that many to itself; all others of an account and region share what is left.  A
version with provisioned concurrency runs on its own instances first, and what they cannot take spills over.
AWS: Lambda developer guide, function scaling; Lambda quotas (ten requests a second for each concurrent execution).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tule.services.lambda_ import errors
from tule.services.lambda_.names import FunctionRef

MINIMUM_UNRESERVED = 100
REQUESTS_PER_EXECUTION = 10

Slot = tuple[str, ...]
"""Where a running invocation is counted."""


@dataclass(slots=True, frozen=True)
class Share:
    """What a function may use of its account's concurrency.

    `provisioned` instances are kept for the version that `key` names, `provisioned_in_all` for all versions of the function;
    `kept_from_all` is what other functions have reserved or provisioned, and so not for those that share.
    """

    key: str
    reserved: int | None = None
    provisioned: int = 0
    provisioned_in_all: int = 0
    kept_from_all: int = 0


class Concurrency:
    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._running: Counter[Slot] = Counter()
        self._rates: dict[Slot, _Rate] = {}
        self._monotonic = monotonic

    def enter(self, ref: FunctionRef, share: Share) -> Slot:
        """Count one more; what to `leave`.  Raises TooManyRequestsException; then there is nothing to leave."""
        slot, limit, reason = self._place(ref, share)
        if self._running[slot] >= limit:
            raise errors.throttled(f"{reason}ConcurrentInvocationLimitExceeded")
        self._keep_rate(ref, share, reason)
        self._running[slot] += 1
        return slot

    def leave(self, slot: Slot) -> None:
        left = self._running[slot] - 1
        if left:
            self._running[slot] = left
        else:
            del self._running[slot]

    def running_on_provisioned(self, key: str) -> int:
        return self._running[("provisioned", key)]

    def _place(self, ref: FunctionRef, share: Share) -> tuple[Slot, int, str]:
        if share.provisioned and self._running[("provisioned", share.key)] < share.provisioned:
            return ("provisioned", share.key), share.provisioned, ""
        if share.reserved is not None:
            return ("reserved", ref.account, ref.region, ref.name), share.reserved - share.provisioned_in_all, "ReservedFunction"
        return ("shared", ref.account, ref.region), self.limit - share.kept_from_all, ""

    def _keep_rate(self, ref: FunctionRef, share: Share, reason: str) -> None:
        if share.reserved is not None:
            pool, limit = ("reserved", ref.account, ref.region, ref.name), share.reserved
        else:
            pool, limit = ("shared", ref.account, ref.region), self.limit
        rate = self._rates.get(pool)
        if rate is None or rate.a_second != limit * REQUESTS_PER_EXECUTION:
            rate = self._rates[pool] = _Rate(limit * REQUESTS_PER_EXECUTION, self._monotonic())
        if not rate.take(self._monotonic()):
            raise errors.throttled(f"{reason or 'Function'}InvocationRateLimitExceeded")


class _Rate:
    """So many a second, and as many at once after a pause."""

    __slots__ = ("_at", "_left", "a_second")

    def __init__(self, a_second: int, at: float) -> None:
        self.a_second = a_second
        self._left = float(a_second)
        self._at = at

    def take(self, at: float) -> bool:
        self._left = min(self.a_second, self._left + (at - self._at) * self.a_second)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True
