"""Is a signature fresh?  Clients sign by the wall clock; the node's clock may have been turned away from it.

A time in a signature is taken as the wall's and carried over to the node's clock as both stood when it was written, so
that a pre-signed URL runs out when the clock is advanced past its end, while one made afterwards starts its life then.
Signatures know whole seconds: one from the very second in which the clock was turned counts as made after it, unless the URL
was seen before.
A client whose own clock is turned the same way is understood too.
AWS: 15 minutes of skew for S3 and the query services, 5 for the others; "Request has expired" for pre-signed URLs.
"""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import lru_cache

from tule.access.refusals import Family, bad_signature
from tule.core.clock import Clock, iso8601
from tule.core.errors import ServiceError

_MAX_ENDS = 10_000
_SKEW_MS = {Family.S3: 900_000, Family.QUERY: 900_000, Family.EC2: 900_000, Family.JSON: 300_000, Family.REST: 300_000}


def wall_ms() -> int:
    return int(time.time() * 1000)


@lru_cache(maxsize=1024)
def milliseconds(date: str) -> int | None:
    """Of `20240501T120000Z`, or of an HTTP date; None where it is neither."""
    try:
        if len(date) == 16 and date[8] == "T" and date[15] == "Z":
            return timegm(time.strptime(date, "%Y%m%dT%H%M%SZ")) * 1000
        return int(parsedate_to_datetime(date).timestamp() * 1000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def basic(at_ms: int) -> str:
    """`20240501T120000Z`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_ms // 1000))


class SigningTime:
    """Remembers how far the node's clock stood from the wall's at each turn of it."""

    def __init__(self, clock: Clock, wall: Callable[[], int] = wall_ms) -> None:
        self._clock = clock
        self._wall = wall
        self._turns: list[tuple[int, int]] = [(wall(), clock.now_ms())]
        self._ends: dict[str, int] = {}
        clock.on_change(self._turned)

    def check_fresh(self, signed_ms: int, date: str, kind: Family) -> None:
        """Raises when a header signature was made too long ago, or in the future."""
        now = self._clock.now_ms()
        skew = _SKEW_MS[kind]
        if abs(now - signed_ms) <= skew or abs(self._wall() - signed_ms) <= skew:
            return
        if kind is Family.S3:
            raise ServiceError(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
                403,
                fields={"RequestTime": date, "ServerTime": iso_seconds(now), "MaxAllowedSkewMilliseconds": skew},
            )
        minutes = skew // 60_000
        if signed_ms < now:
            raise bad_signature(kind, f"Signature expired: {date} is now earlier than {basic(now - skew)} ({basic(now)} - {minutes} min.)")
        raise bad_signature(kind, f"Signature not yet current: {date} is still later than {basic(now + skew)} ({basic(now)} + {minutes} min.)")

    def check_presigned(self, signature: str, signed_ms: int, date: str, expires_s: int, kind: Family) -> None:
        """Raises when a pre-signed URL's life is over, or has not begun."""
        now = self._clock.now_ms()
        skew = _SKEW_MS[kind]
        begins = [begin for begin in (signed_ms, self._carried_over(signed_ms)) if begin <= now + skew]
        if not begins:
            if kind is Family.S3:
                raise ServiceError("AccessDenied", "Request is not yet valid", 403)
            minutes = skew // 60_000
            raise bad_signature(kind, f"Signature not yet current: {date} is still later than {basic(now + skew)} ({basic(now)} + {minutes} min.)")
        ends = self._end_at_first_sight(f"{signature}{date}{expires_s}", max(begins) + expires_s * 1000)
        if now <= ends:
            return
        if kind is Family.S3:
            fields = {"X-Amz-Expires": expires_s, "Expires": iso_seconds(ends), "ServerTime": iso_seconds(now)}
            raise ServiceError("AccessDenied", "Request has expired", 403, fields=fields)
        earliest = basic(now - expires_s * 1000)
        raise bad_signature(kind, f"Signature expired: {date} is now earlier than {earliest} ({basic(now)} - {expires_s // 60} min.)")

    def check_end(self, signature: str, end_ms: int) -> None:
        """Raises S3's refusal when a Version 2 URL, which tells only the end of its life, has reached it.

        When it was signed it does not tell: the life that is left to it at first sight is counted by the node's clock.
        """
        now = self._clock.now_ms()
        end = self._end_at_first_sight(f"{signature}{end_ms}", now + end_ms - self._wall())
        if now > end:
            fields = {"Expires": iso_seconds(end_ms), "ServerTime": iso_seconds(now)}
            raise ServiceError("AccessDenied", "Request has expired", 403, fields=fields)

    def _end_at_first_sight(self, url: str, end_ms: int) -> int:
        if len(self._ends) >= _MAX_ENDS:
            self._ends.clear()
        return self._ends.setdefault(url, end_ms)

    def _turned(self) -> None:
        self._turns.append((self._wall(), self._clock.now_ms()))
        if len(self._turns) > 4096:
            del self._turns[1:2048]

    def _carried_over(self, wall: int) -> int:
        """What the node's clock showed when the wall's showed `wall`; between two turns the clock ran evenly."""
        turns = self._turns
        before = next((i for i in range(len(turns) - 1, -1, -1) if turns[i][0] < wall + 1000), 0)
        at_wall, at_node = turns[before]
        if before + 1 < len(turns):
            return min(at_node + (wall - at_wall), turns[before + 1][1])
        now_wall, now_node = self._wall(), self._clock.now_ms()
        if wall >= now_wall or now_wall == at_wall:
            return now_node + (wall - now_wall)
        return at_node + (now_node - at_node) * (wall - at_wall) // (now_wall - at_wall)


def iso_seconds(at_ms: int) -> str:
    return iso8601(at_ms)[:19] + "Z"
