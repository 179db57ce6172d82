"""How many invocations run at once, counted in memory.  AWS: Lambda developer guide, reserved concurrency; Lambda quotas.

A function with reserved concurrency has that many to itself; all others of an account and region share what is left.
"""

from __future__ import annotations

from collections import Counter

from tule.services.lambda_ import errors

MINIMUM_UNRESERVED = 100


class Concurrency:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._reserved: Counter[tuple[str, str, str]] = Counter()  # running, by account, region and function
        self._shared: Counter[tuple[str, str]] = Counter()  # running without reservation, by account and region

    def enter(self, account: str, region: str, name: str, reserved: int | None, reserved_by_others: int) -> None:
        """Count one more.  Raises TooManyRequestsException; then there is nothing to leave."""
        if reserved is not None:
            key = (account, region, name)
            if self._reserved[key] >= reserved:
                raise errors.throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            self._reserved[key] += 1
            return
        pool = (account, region)
        if self._shared[pool] >= self.limit - reserved_by_others:
            raise errors.throttled("ConcurrentInvocationLimitExceeded")
        self._shared[pool] += 1

    def leave(self, account: str, region: str, name: str, reserved: int | None) -> None:
        if reserved is not None:
            self._reserved[account, region, name] -= 1
        else:
            self._shared[account, region] -= 1
