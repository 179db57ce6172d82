"""Rules on schedules, under a clock that the test turns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.node import Account, RunningNode
from tests.services.events.house import Queue, queue, rule
from tests.services.events.test_targets import function


@pytest.fixture(autouse=True)
def no_schedules_left(turned: Account) -> Iterator[None]:
    """Others turn the same clock, and would wait for every tick."""
    yield
    for left in turned.events.list_rules()["Rules"]:
        ids = [target["Id"] for target in turned.events.list_targets_by_rule(Rule=left["Name"])["Targets"]]
        if ids:
            turned.events.remove_targets(Rule=left["Name"], Ids=ids)
        turned.events.delete_rule(Name=left["Name"])


def now(node: RunningNode) -> datetime:
    return datetime.fromtimestamp(node.get("/_tule/clock")["now_ms"] / 1000, UTC)


def times(found: Queue, count: int) -> list[datetime]:
    return sorted(datetime.fromisoformat(event["time"]) for event in found.events(count))


def test_a_function_runs_at_nine_every_day_of_a_week(turned: Account) -> None:
    found = queue(turned, MessageRetentionPeriod="1209600")
    target = function(turned, found.url)
    arn = rule(turned, None, {"Arn": target}, ScheduleExpression="cron(0 9 * * ? *)")
    turned.lambda_.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=arn)
    start = now(turned.node)
    turned.node.advance(7 * 86_400)
    ran = times(found, 7)
    assert all((at.hour, at.minute, at.second) == (9, 0, 0) for at in ran)
    assert [at - ran[0] for at in ran] == [timedelta(days=day) for day in range(7)]
    assert start < ran[0] <= start + timedelta(days=1)
    assert found.is_empty()


def test_the_scheduled_event(turned: Account) -> None:
    found = queue(turned)
    arn = rule(turned, None, {"Arn": found.arn}, ScheduleExpression="cron(0/15 * * * ? *)")
    turned.node.advance(15 * 60)
    event = found.one()
    assert list(event) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    expected = {
        "version": "0",
        "id": event["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": turned.id,
        "time": event["time"],
        "region": "us-east-1",
        "resources": [arn],
        "detail": {},
    }
    assert event == expected
    assert event["time"].endswith(":00Z")


def test_a_rate_counts_from_the_making_of_the_rule(turned: Account) -> None:
    found = queue(turned)
    before = now(turned.node)
    rule(turned, None, {"Arn": found.arn, "Input": '"tick"'}, {"Arn": found.arn}, ScheduleExpression="rate(5 minutes)")
    turned.node.advance(16 * 60)
    texts = found.texts(6)
    assert texts.count('"tick"') == 3
    ran = sorted(datetime.fromisoformat(json.loads(text)["time"]) for text in texts if text != '"tick"')
    assert [later - ran[0] for later in ran] == [timedelta(0), timedelta(minutes=5), timedelta(minutes=10)]
    assert timedelta(minutes=4, seconds=59) <= ran[0] - before <= timedelta(minutes=5, seconds=30)


def test_a_rule_that_is_off_or_gone_or_changed_keeps_no_old_time(turned: Account) -> None:
    found = queue(turned)
    rule(turned, None, {"Arn": found.arn, "Input": '"old"'}, name="changed", ScheduleExpression="rate(10 minutes)")
    rule(turned, None, {"Arn": found.arn, "Input": '"off"'}, name="off", ScheduleExpression="rate(10 minutes)")
    rule(turned, None, {"Arn": found.arn, "Input": '"gone"'}, name="gone", ScheduleExpression="rate(10 minutes)")
    turned.events.disable_rule(Name="off")
    turned.events.remove_targets(Rule="gone", Ids=["t0"])
    turned.events.delete_rule(Name="gone")
    turned.events.put_rule(Name="changed", ScheduleExpression="rate(1 hour)")
    turned.node.advance(50 * 60)
    assert found.is_empty()
    turned.events.enable_rule(Name="off")
    turned.node.advance(10 * 60 + 30)
    assert sorted(found.texts(2)) == ['"off"', '"old"']


def test_putting_the_same_schedule_again_does_not_begin_it_anew(turned: Account) -> None:
    found = queue(turned)
    rule(turned, None, {"Arn": found.arn}, ScheduleExpression="rate(10 minutes)")
    turned.node.advance(6 * 60)
    turned.events.put_rule(Name="r", ScheduleExpression="rate(10 minutes)", Description="other")
    turned.node.advance(5 * 60)
    found.one()
