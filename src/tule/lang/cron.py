"""AWS's dialect of cron: minutes, hours, day of month, month, day of week, year, at most one of the two days given.

Weeks begin on Sunday, which is 1.  `L` is the last day (of the month, or as `6L` the last Friday), `W` the weekday nearest to a
day, `FRI#2` the second Friday.  A range may run over the end (`FRI-MON`).
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

MINUTES, HOURS, MONTH_DAYS, MONTHS, WEEKDAYS, YEARS = range(6)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_MONTH_NAMES = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
_WEEKDAY_NAMES = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
_NEAREST = re.compile(r"(\d+)W")
_NTH = re.compile(r"(\w+)#([1-5])")
_LAST = re.compile(r"(\w+)L")
_SATURDAY = 7


class BadCron(ValueError):
    """The expression is not AWS cron."""


@dataclass(slots=True, frozen=True)
class Days:
    """Which days of a month: by number (`days`), or by what depends on the month."""

    days: frozenset[int] = frozenset()
    last: bool = False
    last_weekday: bool = False
    nearest: frozenset[int] = frozenset()  # `15W`
    weekdays: frozenset[int] = frozenset()
    last_of: frozenset[int] = frozenset()  # `6L`
    nth: tuple[int, int] | None = None  # `6#3`

    def of(self, year: int, month: int) -> list[int]:
        """In order."""
        first, length = calendar.monthrange(year, month)
        offset = (first + 1) % 7  # of the month's first day, from Sunday
        found = {day for day in self.days if day <= length}
        found |= {day for day in range(1, length + 1) if (offset + day - 1) % 7 + 1 in self.weekdays}
        found |= {_last_of(weekday, offset, length) for weekday in self.last_of}
        found |= {_nearest(day, offset, length) for day in self.nearest if day <= length}
        if self.last:
            found.add(length)
        if self.last_weekday:
            found.add(_nearest(length, offset, length))
        if self.nth is not None:
            day = (self.nth[0] - 1 - offset) % 7 + 1 + 7 * (self.nth[1] - 1)
            found |= {day} if day <= length else set()
        return sorted(found)


def _last_of(weekday: int, offset: int, length: int) -> int:
    return length - ((offset + length - 1) % 7 + 1 - weekday) % 7


def _nearest(day: int, offset: int, length: int) -> int:
    """The weekday nearest to a day, in the same month."""
    weekday = (offset + day - 1) % 7 + 1
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == 1:
        return day + 1 if day < length else day - 2
    return day


@dataclass(slots=True, frozen=True)
class Cron:
    minutes: Sequence[int]
    hours: Sequence[int]
    days: Days
    months: Sequence[int]
    years: Sequence[int]

    def times(self, start: datetime) -> Iterator[datetime]:
        """All times from `start` on, in order; without a zone."""
        for year in self.years:
            if year < start.year:
                continue
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days.of(year, month):
                    if (year, month, day) >= (start.year, start.month, start.day):
                        yield from self._of_day(datetime(year, month, day), start)

    def _of_day(self, day: datetime, start: datetime) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                found = day.replace(hour=hour, minute=minute)
                if found >= start:
                    yield found


def parse(text: str) -> Cron:
    """What stands between the parentheses.  Raises BadCron."""
    fields = text.upper().split(" ")
    if len(fields) != 6:
        raise BadCron(text)
    if (fields[MONTH_DAYS] == "?") == (fields[WEEKDAYS] == "?"):
        raise BadCron(text)
    return Cron(
        minutes=_plain(fields, MINUTES),
        hours=_plain(fields, HOURS),
        days=_days(fields),
        months=_plain(fields, MONTHS),
        years=_plain(fields, YEARS),
    )


def _plain(fields: Sequence[str], which: int) -> tuple[int, ...]:
    return tuple(sorted({number for item in fields[which].split(",") for number in _numbers(item, which)}))


def _days(fields: Sequence[str]) -> Days:
    return _month_days(fields[MONTH_DAYS]) if fields[MONTH_DAYS] != "?" else _week_days(fields[WEEKDAYS])


def _month_days(field: str) -> Days:
    days: set[int] = set()
    nearest: set[int] = set()
    last = last_weekday = False
    for item in field.split(","):
        if item == "L":
            last = True
        elif item == "LW":
            last_weekday = True
        elif match := _NEAREST.fullmatch(item):
            nearest.add(_number(match[1], MONTH_DAYS))
        else:
            days.update(_numbers(item, MONTH_DAYS))
    return Days(days=frozenset(days), last=last, last_weekday=last_weekday, nearest=frozenset(nearest))


def _week_days(field: str) -> Days:
    if match := _NTH.fullmatch(field):
        return Days(nth=(_number(match[1], WEEKDAYS), int(match[2])))
    days: set[int] = set()
    last_of: set[int] = set()
    for item in field.split(","):
        if item == "L":
            days.add(_SATURDAY)
        elif match := _LAST.fullmatch(item):
            last_of.add(_number(match[1], WEEKDAYS))
        else:
            days.update(_numbers(item, WEEKDAYS))
    return Days(weekdays=frozenset(days), last_of=frozenset(last_of))


def _numbers(item: str, which: int) -> range | list[int]:
    """`*`, `5`, `1-5`, `0/15`, `*/2`, `10-40/10`."""
    match = _ITEM.fullmatch(item)
    if match is None:
        raise BadCron(item)
    low, high = _BOUNDS[which]
    step = int(match["step"] or 1)
    if step < 1:
        raise BadCron(item)
    if match["all"]:
        return range(low, high + 1, step)
    first = _number(match["first"], which)
    if match["last"] is None:
        return range(first, high + 1, step) if match["step"] else [first]
    last = _number(match["last"], which)
    if last >= first:
        return range(first, last + 1, step)
    if which == YEARS:
        raise BadCron(item)
    return [(number - low) % (high - low + 1) + low for number in range(first, last + high - low + 2, step)]


def _number(text: str, which: int) -> int:
    names: Mapping[str, int] = {MONTHS: _MONTH_NAMES, WEEKDAYS: _WEEKDAY_NAMES}.get(which, {})
    if text in names:
        return names[text]
    low, high = _BOUNDS[which]
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not low <= int(text) <= high:
        raise BadCron(text)
    return int(text)
