"""When a schedule runs: its expression, from its start date to its end date.

AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html: cron and at by the wall clock of the
schedule's time zone, rate from the start date (or at once) on; a one-time schedule knows neither start nor end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tule.lang import schedules
from tule.services.scheduler import errors

MINUTE_MS = 60_000
_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)", re.IGNORECASE)
_RATE = re.compile(r"([0-9]+) *([A-Za-z]+)")


class Occurrences:
    """Raises ValidationException for what is no expression, or no time zone."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._start_ms = _ms(settings.get("StartDate"))
        self._end_ms = _ms(settings.get("EndDate"))
        self._schedule = _parsed(settings["ScheduleExpression"], settings.get("ScheduleExpressionTimezone", "UTC"))

    def first(self, from_ms: int, base_ms: int) -> int | None:
        """The first run from `from_ms` on.  A rate without a start date counts from `base_ms`."""
        start_ms = base_ms if self._start_ms is None else self._start_ms
        match self._schedule.kind:
            case "at":
                return self._schedule.after(from_ms - MINUTE_MS)  # whoever asks for this very minute gets it
            case "rate":
                return self._before_end(self._schedule.after(from_ms - 1, since=start_ms))
            case "cron":
                return self._before_end(self._schedule.after(max(from_ms, (self._start_ms or 0) - 1)))

    def next(self, previous_ms: int) -> int | None:
        """The run after the one that was planned for `previous_ms`."""
        found = self._schedule.after(previous_ms)
        return found if self._schedule.kind == "at" else self._before_end(found)

    def _before_end(self, ms: int | None) -> int | None:
        return None if ms is not None and self._end_ms is not None and ms > self._end_ms else ms


def _ms(seconds: Any) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _parsed(expression: str, zone: str) -> schedules.Schedule:
    try:
        schedules.time_zone(zone)
    except schedules.InvalidSchedule as error:
        raise errors.invalid_zone(zone) from error
    try:
        return schedules.parse(_completed(expression), zone, either_number=True)
    except schedules.InvalidSchedule as error:
        raise errors.invalid_expression(expression) from error


def _completed(expression: str) -> str:
    """Scheduler takes keywords in capitals, too, a cron without years, a time without seconds, and a rate without its space."""
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        return expression
    kind, fields = match[1].lower(), match[2]
    if kind == "cron" and fields.count(" ") == 4:
        fields += " *"
    elif kind == "at" and fields.count(":") == 1:
        fields += ":00"
    elif kind == "rate" and (rate := _RATE.fullmatch(fields)):
        fields = f"{rate[1]} {rate[2].lower()}"
    return f"{kind}({fields})"
