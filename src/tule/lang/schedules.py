"""Schedule expressions of EventBridge rules and of EventBridge Scheduler: `cron(...)`, `rate(...)`, `at(...)`.

A cron expression is read in a time zone: a time that the change to summer time leaves out does not happen, one that the
change back repeats happens once, at its first coming.  A rate goes on from the time that it is asked about.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from tule.lang import cron
from tule.lang.cron import BadCron, Cron

Kind = Literal["cron", "rate", "at"]
MINUTE_MS = 60_000
_UNITS_MS = {"minute": MINUTE_MS, "hour": 60 * MINUTE_MS, "day": 24 * 60 * MINUTE_MS}
_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([0-9]{1,12}) (minute|hour|day)(s?)")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_LAST_MS = int(datetime(2200, 1, 2, tzinfo=UTC).timestamp() * 1000)


class InvalidSchedule(ValueError):
    """Not an expression of this kind, or not a time zone.  Services say it in words of their own."""


class Schedule(Protocol):
    @property
    def kind(self) -> Kind: ...

    def after(self, ms: int, since: int | None = None) -> int | None:
        """The next time strictly after `ms`; None when there is none.  A rate counts from `since`, or else from `ms`."""
        ...


@dataclass(slots=True, frozen=True)
class CronSchedule:
    cron: Cron
    zone: tzinfo
    kind: Kind = "cron"

    def after(self, ms: int, since: int | None = None) -> int | None:
        if ms >= _LAST_MS:
            return None
        local = datetime.fromtimestamp(max(ms, 0) // 1000, self.zone).replace(tzinfo=None, fold=0, second=0)
        for found in self.cron.times(local + timedelta(minutes=1 if ms >= 0 else 0)):
            at_ms = _real_ms(found, self.zone)
            if at_ms is not None and at_ms > ms:
                return at_ms
        return None


@dataclass(slots=True, frozen=True)
class RateSchedule:
    period_ms: int
    kind: Kind = "rate"

    def after(self, ms: int, since: int | None = None) -> int | None:
        if since is None:
            return ms + self.period_ms
        return since if since > ms else since + ((ms - since) // self.period_ms + 1) * self.period_ms


@dataclass(slots=True, frozen=True)
class OneTime:
    at_ms: int
    kind: Kind = "at"

    def after(self, ms: int, since: int | None = None) -> int | None:
        return self.at_ms if self.at_ms > ms else None


def parse(expression: str, zone: str = "UTC", *, either_number: bool = False) -> Schedule:
    """`either_number` lets a rate's unit be singular or plural as it likes; else `1 minute`, `2 minutes`.  Raises InvalidSchedule."""
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise InvalidSchedule(expression)
    where = time_zone(zone)
    if match[1] == "rate":
        return _rate(match[2], either_number)
    if match[1] == "at":
        return _at(match[2], where)
    try:
        return CronSchedule(cron.parse(match[2]), where)
    except BadCron as error:
        raise InvalidSchedule(expression) from error


def time_zone(name: str) -> tzinfo:
    """Raises InvalidSchedule for a name that the time zone database does not have."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not there, not a name, a directory
        raise InvalidSchedule(name) from error


def _rate(text: str, either_number: bool) -> RateSchedule:
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise InvalidSchedule(text)
    count = int(match[1])
    if not either_number and (count == 1) == bool(match[3]):
        raise InvalidSchedule(text)
    return RateSchedule(count * _UNITS_MS[match[2]])


def _at(text: str, zone: tzinfo) -> OneTime:
    """A time that does not exist is as far after the change as it would have been."""
    if _AT.fullmatch(text) is None:
        raise InvalidSchedule(text)
    try:
        return OneTime(_ms(datetime.fromisoformat(text), zone))
    except ValueError as error:
        raise InvalidSchedule(text) from error


def _ms(local: datetime, zone: tzinfo) -> int:
    return round(local.replace(tzinfo=zone, fold=0).timestamp() * 1000)


def _real_ms(local: datetime, zone: tzinfo) -> int | None:
    """The first moment at which clocks there show this; None when they never do."""
    ms = _ms(local, zone)
    shown = datetime.fromtimestamp(ms // 1000, zone).replace(tzinfo=None, fold=0)
    return ms if shown == local else None
