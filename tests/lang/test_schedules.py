"""Schedule expressions: when they come due, in which time zone, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tule.lang.schedules import InvalidSchedule, parse

MINUTE_MS = 60_000


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def times(expression: str, start: str, count: int, zone: str = "UTC") -> list[str]:
    """The first `count` times after `start`, in UTC."""
    schedule, at = parse(expression, zone), ms(start)
    found: list[str] = []
    while len(found) < count and (following := schedule.after(at)) is not None:
        at = following
        found.append(datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-01-01T10:00", "2026-01-02T10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01T12:15", "2026-01-02T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30"]),
        ("cron(*/20 23 * * ? *)", ["2026-01-01T23:00", "2026-01-01T23:20"]),
        ("cron(10-40/15 0 * * ? *)", ["2026-01-01T00:10", "2026-01-01T00:25", "2026-01-01T00:40", "2026-01-02T00:10"]),
        ("cron(0 22-1/2 * * ? *)", ["2026-01-01T22:00", "2026-01-02T00:00", "2026-01-02T22:00"]),
        ("cron(0/30 20-23 ? * FRI-MON *)", ["2026-01-02T20:00", "2026-01-02T20:30"]),
        ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 3W * ? *)", ["2026-01-02T00:00", "2026-02-03T00:00"]),
        ("cron(0 0 1W 2,8,11 ? *)", ["2026-02-02T00:00", "2026-08-03T00:00", "2026-11-02T00:00"]),
        ("cron(0 0 31W 1,5 ? *)", ["2026-01-30T00:00", "2026-05-29T00:00"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-01-30T10:15", "2026-02-27T10:15"]),
        ("cron(15 10 ? * FRIL *)", ["2026-01-30T10:15"]),
        ("cron(0 0 ? * L *)", ["2026-01-03T00:00", "2026-01-10T00:00"]),
        ("cron(0 2 ? * SAT#3 *)", ["2026-01-17T02:00", "2026-02-21T02:00"]),
        ("cron(0 2 ? * 1#5 *)", ["2026-03-29T02:00", "2026-05-31T02:00"]),
        ("cron(0 9 ? JAN,mar 2 *)", ["2026-01-05T09:00", "2026-01-12T09:00", "2026-01-19T09:00", "2026-01-26T09:00", "2026-03-02T09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 1 1 ? 2199)", ["2199-01-01T00:00"]),
        ("cron(0 0 1 1 ? 2198/1)", ["2198-01-01T00:00", "2199-01-01T00:00"]),
    ],
)
def test_cron(expression: str, expected: list[str]) -> None:
    assert times(expression, "2026-01-01T00:00", len(expected)) == expected


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 2025)", "cron(0 0 31 2 ? *)", "cron(0/5 5 ? JAN 1-5 2022)"])
def test_what_is_over_or_never_comes_has_no_time(expression: str) -> None:
    assert parse(expression).after(ms("2026-01-01T00:00")) is None


def test_the_next_time_is_strictly_later() -> None:
    schedule = parse("cron(0 10 * * ? *)")
    at = ms("2026-01-01T10:00")
    assert schedule.after(at - 1) == at
    assert schedule.after(at) == at + 86_400_000


@pytest.mark.parametrize(
    ("expression", "minutes"), [("rate(1 minute)", 1), ("rate(5 minutes)", 5), ("rate(1 hour)", 60), ("rate(2 hours)", 120), ("rate(1 day)", 1440)]
)
def test_rates(expression: str, minutes: int) -> None:
    schedule = parse(expression)
    assert schedule.after(1_000) == 1_000 + minutes * MINUTE_MS
    assert schedule.after(5_000, since=1_000) == 1_000 + minutes * MINUTE_MS
    assert schedule.after(1_000 + minutes * MINUTE_MS, since=1_000) == 1_000 + 2 * minutes * MINUTE_MS
    assert schedule.after(5, since=1_000) == 1_000


def test_the_unit_of_a_rate_may_be_read_generously() -> None:
    assert parse("rate(1 hours)", either_number=True).after(0) == 60 * MINUTE_MS


def test_one_time() -> None:
    schedule = parse("at(2026-07-01T09:30:00)", "Europe/Zurich")
    at = ms("2026-07-01T07:30")
    assert (schedule.after(at - 1), schedule.after(at)) == (at, None)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron()",
        "cron(INVALID)",
        "cron(0 1 * * * *)",
        "cron(0 1 ? * ? *)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(7 20 * * NOT *)",
        "cron(71 8 1 * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 2#6 *)",
        "cron(0 0 ? * 2#1,3#1 *)",
        "cron(0 0 * * ? 1969)",
        "cron(0 0 * * ? 2200)",
        "cron(0 0 * * ?)",
        "cron(0 0 * * ? * *)",
        "cron(0/0 0 * * ? *)",
        "cron(0,,1 0 * * ? *)",
        "cron(? 0 * * ? *)",
        "cron(L 0 * * ? *)",
        "Cron(0 0 * * ? *)",
        "cron(0 0 * * ? *) ",
        "rate()",
        "rate(10)",
        "rate(0 minutes)",
        "rate(-10 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(10 seconds)",
        "rate(10 minutess)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "rate(1.5 hours)",
        "at(2021-12-31)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-02-30T00:00:00)",
    ],
)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse(expression)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "Europe"])
def test_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse("rate(1 hour)", zone)


def test_a_time_that_the_change_to_summer_time_leaves_out_is_skipped() -> None:
    found = times("cron(30 2 * * ? *)", "2026-03-28T00:00", 3, "Europe/Zurich")
    assert found == ["2026-03-28T01:30", "2026-03-30T00:30", "2026-03-31T00:30"]


def test_a_time_that_the_change_from_summer_time_repeats_comes_once() -> None:
    found = times("cron(30 2 * * ? *)", "2026-10-24T12:00", 2, "Europe/Zurich")
    assert found == ["2026-10-25T00:30", "2026-10-26T01:30"]


def test_nine_in_the_morning_stays_nine_in_the_morning() -> None:
    found = times("cron(0 9 * * ? *)", "2026-03-28T00:00", 3, "Europe/Zurich")
    assert found == ["2026-03-28T08:00", "2026-03-29T07:00", "2026-03-30T07:00"]


FIELDS = {
    "minute": st.sampled_from(["*", "0", "30", "0/20", "5,35", "50-10"]),
    "hour": st.sampled_from(["*", "0", "1-3", "2", "0/6", "23"]),
    "day": st.sampled_from(["*", "1", "L", "15W", "LW", "28-31", "1/10", "29"]),
    "month": st.sampled_from(["*", "3", "MAR,OCT", "10-11", "2"]),
    "weekday": st.sampled_from(["*", "MON-FRI", "1", "6L", "SUN#2", "7,1", "L"]),
}
ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


def plain(field: str, low: int, high: int, names: str = "") -> set[int]:
    """What a field means, spelled out."""
    found: set[int] = set()
    for i in range(0, len(names), 3):
        field = field.replace(names[i : i + 3], str(i // 3 + 1))
    for item in field.split(","):
        body, _, step = item.partition("/")
        first, _, last = body.partition("-")
        numbers = list(range(low, high + 1))
        if body != "*":
            numbers = numbers[int(first) - low :] + numbers[: int(first) - low]
            if last:
                numbers = numbers[: numbers.index(int(last)) + 1]
            elif not step:
                numbers = numbers[:1]
            else:
                numbers = numbers[: high - int(first) + 1]
        found.update(numbers[:: int(step or 1)])
    return found


def is_day(moment: datetime, day: str, weekday: str) -> bool:
    """Whether the date is meant, found by looking at the days around it."""
    number = moment.isoweekday() % 7 + 1
    length = max(d for d in range(28, 32) if (moment.replace(day=1) + timedelta(days=d - 1)).month == moment.month)
    if weekday != "?":
        match weekday:
            case "L":
                return number == 7
            case "6L":
                return number == 6 and moment.day + 7 > length
            case "SUN#2":
                return number == 1 and 8 <= moment.day <= 14
            case _:
                return number in plain(weekday, 1, 7, "SUNMONTUEWEDTHUFRISAT")
    if day == "L":
        return moment.day == length
    if day in ("LW", "15W"):
        wanted = length if day == "LW" else 15
        weekdays = [d for d in range(1, length + 1) if moment.replace(day=d).isoweekday() < 6]
        return moment.day == min(weekdays, key=lambda d: (abs(d - wanted), d != wanted))
    return moment.day in plain(day, 1, 31)


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(FIELDS),
    st.booleans(),
    ZONES,
    st.sampled_from(["2026-02-27", "2026-03-07", "2026-03-28", "2026-10-03", "2026-10-24", "2026-10-31"]),
)
def test_it_comes_due_at_the_minutes_at_which_a_clock_there_first_shows_it(fields: dict[str, str], by_week: bool, zone: str, start: str) -> None:
    day, weekday = ("?", fields["weekday"]) if by_week else (fields["day"], "?")
    schedule = parse(f"cron({fields['minute']} {fields['hour']} {day} {fields['month']} {weekday} *)", zone)
    minutes, hours = plain(fields["minute"], 0, 59), plain(fields["hour"], 0, 23)
    months = plain(fields["month"], 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC")
    begin, shown, expected = ms(start), set[datetime](), list[int]()
    for at in range(begin - 180 * MINUTE_MS, begin + 3 * 1440 * MINUTE_MS, MINUTE_MS):
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        fits = local.minute in minutes and local.hour in hours and local.month in months and is_day(local, day, weekday)
        if fits and local not in shown and at > begin:
            expected.append(at)
        shown.add(local)
    found, at = [], schedule.after(begin)
    while at is not None and at < begin + 3 * 1440 * MINUTE_MS:
        found.append(at)
        at = schedule.after(at)
    assert found == expected
    assert all(a < b for a, b in pairwise(found))
