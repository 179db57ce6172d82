"""What a schedule does when its time comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.scheduler.conftest import NOON
from tests.services.scheduler.given import allow
from tests.services.scheduler.house import FUNCTION, ROLE, SchedulerHouse
from tule.backbone.delivery import Delivery
from tule.core.errors import ServiceError
from tule.services.scheduler import state, timers
from tule.services.scheduler.names import of_arn

ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/s"


async def test_a_target_without_input_is_told_of_the_schedule_and_its_time(house: SchedulerHouse) -> None:
    await house.schedule("cron(30 12 * * ? *)")
    await house.pass_time(hours=1)
    (event,) = house.events
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-03-25T12:30:00Z",
        "region": REGION,
        "resources": [ARN],
        "detail": "{}",
    }


async def test_nine_in_the_morning_stays_nine_through_the_change_to_summer_time(house: SchedulerHouse) -> None:
    await house.schedule("cron(0 9 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    await house.pass_time(days=7)
    assert house.times == [
        "2026-03-26T08:00:00Z",
        "2026-03-27T08:00:00Z",
        "2026-03-28T08:00:00Z",
        "2026-03-29T07:00:00Z",
        "2026-03-30T07:00:00Z",
        "2026-03-31T07:00:00Z",
        "2026-04-01T07:00:00Z",
    ]


async def test_a_time_that_the_change_leaves_out_has_no_run(house: SchedulerHouse) -> None:
    await house.schedule("cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    await house.pass_time(days=5)
    assert house.times == ["2026-03-26T01:30:00Z", "2026-03-27T01:30:00Z", "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]


async def test_a_rate_begins_at_once_and_goes_on(house: SchedulerHouse) -> None:
    await house.schedule("rate(20 minutes)")
    await house.pass_time(hours=1)
    assert house.times == [f"2026-03-25T{time}:00Z" for time in ("12:00", "12:20", "12:40", "13:00")]


async def test_a_rate_begins_at_its_start_date_and_ends_at_its_end_date(house: SchedulerHouse) -> None:
    start = NOON.timestamp() + 600
    await house.schedule("rate(20 minutes)", StartDate=start, EndDate=start + 2400)
    await house.pass_time(days=1)
    assert house.times == [f"2026-03-25T{time}:00Z" for time in ("12:10", "12:30", "12:50")]


async def test_a_cron_keeps_to_its_dates(house: SchedulerHouse) -> None:
    start, end = datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 28, 12, tzinfo=UTC)
    await house.schedule("cron(0 12 * * ? *)", StartDate=start.timestamp(), EndDate=end.timestamp())
    await house.pass_time(days=5)
    assert house.times == ["2026-03-27T12:00:00Z", "2026-03-28T12:00:00Z"]


async def test_a_one_time_schedule_runs_once_and_stays(house: SchedulerHouse) -> None:
    await house.schedule("at(2026-03-25T18:15:30)", ScheduleExpressionTimezone="Asia/Kolkata")
    await house.pass_time(days=1)
    assert house.times == ["2026-03-25T12:45:30Z"]
    assert await house.names() == ["s"]


async def test_a_schedule_that_asks_to_go_when_it_is_complete_goes(house: SchedulerHouse) -> None:
    await house.schedule("at(2026-03-25T13:00:00)", ActionAfterCompletion="DELETE")
    await house.schedule("rate(1 hour)", "until", EndDate=NOON.timestamp() + 7200, ActionAfterCompletion="DELETE")
    await house.pass_time(minutes=59)
    assert await house.names() == ["s", "until"]
    await house.pass_time(minutes=1)
    assert await house.names() == ["until"]
    await house.pass_time(hours=1)
    assert await house.names() == []
    assert len(house.events) == 4


async def test_a_time_long_past_never_comes(house: SchedulerHouse) -> None:
    await house.schedule("at(2026-03-25T11:00:00)")
    await house.pass_time(days=1)
    assert house.events == []


async def test_a_disabled_schedule_rests_until_it_is_enabled(house: SchedulerHouse) -> None:
    await house.schedule("cron(0 * * * ? *)", State="DISABLED")
    await house.pass_time(hours=2, minutes=30)
    assert house.events == []
    target = {"Arn": FUNCTION, "RoleArn": ROLE}
    await house.call(
        "scheduler", "UpdateSchedule", Name="s", ScheduleExpression="cron(0 * * * ? *)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    await house.pass_time(hours=1)
    assert house.times == ["2026-03-25T15:00:00Z"]


async def test_a_changed_schedule_forgets_what_it_had_planned(house: SchedulerHouse) -> None:
    await house.schedule("at(2026-03-25T13:00:00)")
    target = {"Arn": FUNCTION, "RoleArn": ROLE, "Input": '{"changed": true}'}
    await house.call(
        "scheduler", "UpdateSchedule", Name="s", ScheduleExpression="at(2026-03-25T14:00:00)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    await house.pass_time(days=1)
    assert house.events == [{"changed": True}]


async def test_a_deleted_schedule_and_its_namesake_are_two(house: SchedulerHouse) -> None:
    await house.schedule("at(2026-03-25T13:00:00)", target={"Input": "1"})
    await house.call("scheduler", "DeleteSchedule", Name="s")
    await house.schedule("at(2026-03-25T14:00:00)", target={"Input": "2"})
    await house.pass_time(days=1)
    assert house.events == [2]


async def test_what_a_schedule_knows_of_its_run_stands_in_its_input(house: SchedulerHouse) -> None:
    text = {name: f"<aws.scheduler.{name}>" for name in ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")}
    await house.schedule("at(2026-03-25T13:00:00)", target={"Input": json.dumps(text)})
    await house.pass_time(hours=1)
    (event,) = house.events
    assert len(event.pop("execution-id")) == 16
    assert event == {"schedule-arn": ARN, "scheduled-time": "2026-03-25T13:00:00Z", "attempt-number": "1"}


async def test_runs_of_a_flexible_schedule_fall_anywhere_into_its_window(house: SchedulerHouse) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    for number in range(20):
        await house.schedule("at(2026-03-25T13:00:00)", f"s{number}", FlexibleTimeWindow=window, target={"Input": str(number)})
    await house.pass_time(minutes=60, seconds=-1)
    assert house.events == []
    await house.pass_time(minutes=15)
    early = len(house.events)
    await house.pass_time(minutes=15, seconds=1)
    assert 0 < early < 20
    assert sorted(house.events) == list(range(20))


async def test_a_schedule_that_is_deleted_within_its_window_does_not_run(house: SchedulerHouse) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}
    await house.schedule("at(2026-03-25T13:00:00)", FlexibleTimeWindow=window)
    await house.pass_time(hours=1)
    await house.call("scheduler", "DeleteSchedule", Name="s")
    await house.pass_time(days=2)
    assert house.events == []


async def test_a_run_acts_as_its_role_and_no_further(house: SchedulerHouse) -> None:
    await house.call("iam", "PutRolePolicy", RoleName="clock", PolicyName="p", PolicyDocument=allow("lambda:GetFunction"))
    await house.schedule("at(2026-03-25T13:00:00)")
    await house.pass_time(days=2)
    assert house.events == []


async def test_the_role_is_assumed_on_behalf_of_the_group(house: SchedulerHouse) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnEquals": {"aws:SourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    await house.call("iam", "UpdateAssumeRolePolicy", RoleName="clock", PolicyDocument=document)
    await house.schedule("at(2026-03-25T13:00:00)")
    await house.call("scheduler", "CreateScheduleGroup", Name="other")
    with pytest.raises(ServiceError, match="must allow AWS EventBridge Scheduler to assume the role"):
        await house.schedule("at(2026-03-25T13:00:00)", "t", GroupName="other")
    await house.pass_time(hours=1)
    assert len(house.events) == 1


async def test_a_group_goes_with_its_schedules(house: SchedulerHouse) -> None:
    await house.call("scheduler", "CreateScheduleGroup", Name="g")
    await house.schedule("cron(0 * * * ? *)", GroupName="g")
    await house.schedule("cron(0 * * * ? *)", "kept")
    await house.call("scheduler", "DeleteScheduleGroup", Name="g")
    await house.settle()
    with pytest.raises(ServiceError, match=r"Schedule group g does not exist\."):
        await house.call("scheduler", "GetScheduleGroup", Name="g")
    assert await house.names() == ["kept"]
    await house.pass_time(hours=1)
    assert len(house.events) == 1


async def test_a_time_that_is_delivered_twice_has_one_run(house: SchedulerHouse) -> None:
    """As when a node dies after it has planned the next time, and before it has said that this one is done."""
    arn = await house.schedule("cron(0 * * * ? *)", target={"Input": '"<aws.scheduler.scheduled-time>"'})
    schedule = await house.node.store.read(lambda tx: state.schedule(tx, of_arn(arn)))
    payload = {"uid": schedule["uid"], "at_ms": schedule["next_ms"]}
    await house.pass_time(hours=1)
    now_ms = house.node.clock.now_ms()
    again = Delivery("id", timers.DUE, arn, ACCOUNT, REGION, payload, attempt=2, max_attempts=9, enqueued_ms=now_ms, now_ms=now_ms)
    await timers.fall_due(house.node, again)
    await house.pass_time(hours=1)
    assert house.events == ["2026-03-25T13:00:00Z", "2026-03-25T14:00:00Z"]


async def test_what_the_schedule_was_when_its_time_came_is_what_runs(house: SchedulerHouse) -> None:
    """A change within the flexible window does not take back a run, nor does it run twice."""
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}
    await house.schedule("at(2026-03-25T13:00:00)", FlexibleTimeWindow=window, target={"Input": '"old"'})
    await house.pass_time(hours=1)
    target = {"Arn": FUNCTION, "RoleArn": ROLE, "Input": '"new"'}
    await house.call(
        "scheduler", "UpdateSchedule", Name="s", ScheduleExpression="at(2026-03-27T13:00:00)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    await house.pass_time(days=3)
    assert house.events == ["old", "new"]
