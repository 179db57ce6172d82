"""How many invocations run at once, how many begin in a second and how fast a function scales, counted in memory.

A function with reserved concurrency has that many to itself; all others of an account and region share what is left.  A
version with provisioned concurrency runs on its own instances first, and what they cannot take spills over.  Ten synchronous
requests a second begin for each concurrent execution; asynchronous ones as many as find a place.  Where an account may run
more than a thousand at once, each function gets a thousand new environments every ten seconds.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html, .../gettingstarted-limits.html
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
SCALES_BY = 1000
SCALES_IN_S = 10
KEPT_IDLE_S = 600.0
RETRY_RATE_AFTER_S = 1

Slot = tuple[str, ...]
"""Where a running invocation is counted."""


@dataclass(slots=True, frozen=True)
class Share:
    """What a function may use of its account's concurrency.

    `provisioned` instances are kept for the version that `key` names, `provisioned_in_all` for all versions of the function;
    `kept_from_all` is what other functions have reserved or provisioned, and so not for those that share.  `managed` is what the
    version may run at once on its capacity provider, apart from the account's concurrency.
    """

    key: str
    reserved: int | None = None
    provisioned: int = 0
    provisioned_in_all: int = 0
    kept_from_all: int = 0
    managed: int | None = None


class Concurrency:
    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._running: Counter[Slot] = Counter()
        self._rates: dict[Slot, _Rate] = {}
        self._environments: dict[Slot, _Environments] = {}
        self._monotonic = monotonic

    def enter(self, ref: FunctionRef, share: Share, *, waits: bool = True) -> Slot:
        """Count one more; what to `leave`.  `waits`: somebody waits for the answer.

        Raises TooManyRequestsException; then there is nothing to leave.
        """
        now = self._monotonic()
        if share.provisioned and (own := self._provisioned(share, now, waits=waits)) is not None:
            return own
        if share.managed is not None:
            return self._managed(share, share.managed)
        slot: Slot
        if share.reserved is not None:
            slot, limit, whose = ("reserved", ref.account, ref.region, ref.name), share.reserved - share.provisioned_in_all, "ReservedFunction"
        else:
            slot, limit, whose = ("shared", ref.account, ref.region, ref.name), self.limit - share.kept_from_all, ""
        pool = _pool(slot)
        if self._running[pool] >= limit:
            raise errors.throttled(f"{whose}ConcurrentInvocationLimitExceeded")
        if waits and not self._take(pool, self.limit if share.reserved is None else share.reserved, now):
            raise errors.throttled(f"{whose or 'Function'}InvocationRateLimitExceeded", RETRY_RATE_AFTER_S)
        if limit > SCALES_BY and not self._grow(slot, now):
            raise errors.throttled(f"{whose}ConcurrentInvocationLimitExceeded")
        self._running[pool] += 1
        return slot

    def leave(self, slot: Slot) -> None:
        pool = _pool(slot)
        left = self._running[pool] - 1
        if left:
            self._running[pool] = left
        else:
            del self._running[pool]
        if (environments := self._environments.get(slot)) is not None:
            environments.leave(self._monotonic())

    def running_on_provisioned(self, key: str) -> int:
        return self._running[("provisioned", key)]

    def _managed(self, share: Share, limit: int) -> Slot:
        slot: Slot = ("managed", share.key)
        if self._running[slot] >= limit:
            raise errors.throttled("ConcurrentInvocationLimitExceeded")
        self._running[slot] += 1
        return slot

    def _provisioned(self, share: Share, now: float, *, waits: bool) -> Slot | None:
        """A place on the version's own instances; None when they are busy, or enough have begun on them in this second."""
        slot: Slot = ("provisioned", share.key)
        if self._running[slot] >= share.provisioned or (waits and not self._take(slot, share.provisioned, now)):
            return None
        self._running[slot] += 1
        return slot

    def _take(self, pool: Slot, executions: int, now: float) -> bool:
        """Whether one more synchronous request may begin."""
        rate = self._rates.get(pool)
        if rate is None or rate.a_second != executions * REQUESTS_PER_EXECUTION:
            rate = self._rates[pool] = _Rate(executions * REQUESTS_PER_EXECUTION, now)
        return rate.take(now)

    def _grow(self, slot: Slot, now: float) -> bool:
        environments = self._environments.get(slot)
        if environments is None:
            environments = self._environments[slot] = _Environments(now)
        return environments.enter(now)


def _pool(slot: Slot) -> Slot:
    """What the invocation of a slot takes its place from: functions without a share of their own have one in common."""
    return slot[:3] if slot[0] == "shared" else slot


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


class _Environments:
    """How many execution environments a function has: those that it had at once, until it rests, and new ones at a limited rate."""

    __slots__ = ("_at", "_known", "_new", "_running")

    def __init__(self, at: float) -> None:
        self._known = self._running = 0
        self._new = float(SCALES_BY)
        self._at = at

    def enter(self, at: float) -> bool:
        """False when it would take one that cannot be had yet."""
        self._new = min(SCALES_BY, self._new + (at - self._at) * SCALES_BY / SCALES_IN_S)
        if not self._running and at - self._at >= KEPT_IDLE_S:
            self._known = 0
        self._at = at
        if self._running == self._known:
            if self._new < 1:
                return False
            self._new -= 1
            self._known += 1
        self._running += 1
        return True

    def leave(self, at: float) -> None:
        self._new = min(SCALES_BY, self._new + (at - self._at) * SCALES_BY / SCALES_IN_S)
        self._at = at
        self._running = max(0, self._running - 1)  # those that began under a limit that needed no counting were not counted
