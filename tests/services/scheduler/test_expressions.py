"""Schedule expressions: which are taken, and when they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.node import Account
from tests.services.scheduler.given import create, refused
from tule.core.errors import ServiceError
from tule.services.scheduler.occurrences import Occurrences

REFUSED = (
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
    "cron(71 8 1 * ? *)",
    "cron(0 dummy ? * MON-FRI *)",
    "cron(INVALID)",
    "cron()",
    "cron(0 12 * *)",
    "cron(0 12 ? * MON#6 *)",
    "rate()",
    "rate(10)",
    "rate(10 years)",
    "rate(10 seconds)",
    "rate(10 minutess)",
    "rate(foo minutes)",
    "rate(-10 minutes)",
    "rate(0 minutes)",
    "rate( 10 minutes )",
    " rate(10 minutes)",
    "rate(10 minutes",
    "at(2021-12-31)",
    "at(2021-12-31T23:59:59Z)",
    "at(2021-12-31 23:59:59)",
    "at(2021-02-30T23:59:59)",
    "every day",
)
TAKEN = ("rate(1 minutes)", "rate(5 minute)", "RATE(5 Minutes)", "rate(5minutes)", "cron(0 12 * * ?)", "cron(0 12 L * ? *)", "AT(2999-01-01T00:00)")


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_expression_is_refused_by_its_own_words(expression: str) -> None:
    with pytest.raises(ServiceError) as error:
        Occurrences({"ScheduleExpression": expression})
    assert (error.value.code, error.value.message) == ("ValidationException", f"Invalid Schedule Expression {expression}.")


def test_a_client_is_told_so(aws: Account) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as error:
        create(aws, expression=" rate(10 minutes)")
    assert refused(error) == ("ValidationException", "Invalid Schedule Expression  rate(10 minutes).", 400)


@pytest.mark.parametrize("expression", TAKEN)
def test_expressions_may_be_written_in_several_ways(expression: str) -> None:
    assert Occurrences({"ScheduleExpression": expression}).first(0, 0) is not None


MINUTES = st.integers(0, 3_000_000)
UNITS = {"minute": 1, "hours": 60, "days": 1440}


@given(MINUTES, MINUTES, st.integers(1, 500), st.sampled_from(sorted(UNITS)))
def test_a_rate_counts_from_its_start_and_misses_nothing(start: int, now: int, count: int, unit: str) -> None:
    occurrences = Occurrences({"ScheduleExpression": f"rate({count} {unit})", "StartDate": start * 60})
    period, first = count * UNITS[unit], occurrences.first(now * 60_000, 0)
    assert first is not None
    at = first // 60_000
    assert at >= max(start, now)
    assert (at - start) % period == 0
    assert at - period < max(start, now)
    assert occurrences.next(first) == first + period * 60_000


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(0, 23), st.integers(0, 59))
def test_a_daily_cron_comes_at_its_hour_within_a_day(now: datetime, hour: int, minute: int) -> None:
    now_ms = int(now.replace(tzinfo=UTC).timestamp() * 1000)
    found = Occurrences({"ScheduleExpression": f"cron({minute} {hour} * * ? *)"}).first(now_ms, now_ms)
    assert found is not None
    at = datetime.fromtimestamp(found / 1000, UTC)
    assert (at.hour, at.minute, at.second) == (hour, minute, 0)
    assert timedelta(0) < at - datetime.fromtimestamp(now_ms / 1000, UTC) <= timedelta(days=1)


def test_a_repeated_hour_has_one_run() -> None:
    occurrences = Occurrences({"ScheduleExpression": "cron(30 2 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"})
    at = int(datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp() * 1000)
    found: list[datetime] = []
    for _ in range(2):
        next_ms = occurrences.next(at)
        assert next_ms is not None
        at = next_ms
        found.append(datetime.fromtimestamp(at / 1000, UTC))
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]
