"""Archives keep what a bus got; replays put it there again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.node import Account
from tests.services.events.house import put, queue, refusal, rule


def bus_arn(account: Account, name: str = "default") -> str:
    return f"arn:aws:events:us-east-1:{account.id}:event-bus/{name}"


def archive(account: Account, **more: Any) -> str:
    return account.events.create_archive(ArchiveName="a", EventSourceArn=bus_arn(account), **more)["ArchiveArn"]


def replay(account: Account, source: str, name: str = "again", **destination: Any) -> None:
    account.events.start_replay(
        ReplayName=name,
        EventSourceArn=source,
        EventStartTime=datetime(2026, 1, 1, tzinfo=UTC),
        EventEndTime=datetime(2026, 1, 31, tzinfo=UTC),
        Destination={"Arn": bus_arn(account), **destination},
    )


def ended(account: Account, name: str = "again") -> dict[str, Any]:
    while (shown := account.events.describe_replay(ReplayName=name))["State"] in ("STARTING", "RUNNING", "CANCELLING"):
        pass
    return shown


def test_an_archive_counts_what_its_pattern_takes(aws: Account) -> None:
    arn = archive(aws, Description="d", RetentionDays=1, EventPattern=json.dumps({"source": ["shop"]}))
    assert arn == f"arn:aws:events:us-east-1:{aws.id}:archive/a"
    for n in range(3):
        put(aws, {"n": n})
    put(aws, {}, source="other")
    shown = aws.events.describe_archive(ArchiveName="a")
    assert (shown["EventCount"], shown["State"], shown["RetentionDays"], shown["Description"]) == (3, "ENABLED", 1, "d")
    assert shown["SizeBytes"] > 3 * 100
    assert shown["EventPattern"] == json.dumps({"source": ["shop"]})
    [listed] = aws.events.list_archives(EventSourceArn=bus_arn(aws))["Archives"]
    assert {key: listed[key] for key in ("ArchiveName", "EventSourceArn", "EventCount")} == {
        "ArchiveName": "a",
        "EventSourceArn": bus_arn(aws),
        "EventCount": 3,
    }
    assert aws.events.list_archives(NamePrefix="b")["Archives"] == []


def test_an_archive_is_fed_by_a_rule_that_nobody_else_may_change(aws: Account) -> None:
    archive(aws)
    [managed] = aws.events.list_rules(NamePrefix="Events-Archive-")["Rules"]
    assert managed["ManagedBy"] == "prod.vhs.events.aws.internal"
    name = managed["Name"]
    for operation, params in (
        (aws.events.put_rule, {"Name": name, "ScheduleExpression": "rate(1 day)"}),
        (aws.events.disable_rule, {"Name": name}),
        (aws.events.delete_rule, {"Name": name}),
        (aws.events.remove_targets, {"Rule": name, "Ids": [name]}),
        (aws.events.put_targets, {"Rule": name, "Targets": [{"Id": "a", "Arn": "arn:aws:sqs:us-east-1:1:q"}]}),
    ):
        assert refusal(operation, **params)[0] == "ManagedRuleException"
    aws.events.delete_archive(ArchiveName="a")
    assert aws.events.list_rules()["Rules"] == []
    assert refusal(aws.events.describe_archive, ArchiveName="a") == ("ResourceNotFoundException", "Archive a does not exist.")


def test_a_replay_brings_events_of_its_time_once_more(aws: Account) -> None:
    source, found = archive(aws), queue(aws)
    rule(aws, None, {"Arn": found.arn})
    ids = [put(aws, {"day": day}, Time=datetime(2026, month, day, tzinfo=UTC)) for month, day in ((1, 3), (1, 2), (2, 1))]
    first = {event["id"]: event for event in found.events(3)}
    replay(aws, source)
    again = found.events(2)
    assert {event["id"] for event in again} == set(ids[:2])
    for event in again:
        assert event == {**first[event["id"]], "replay-name": "again"}
    shown = ended(aws)
    assert (shown["State"], shown["EventSourceArn"]) == ("COMPLETED", source)
    assert shown["EventLastReplayedTime"].astimezone(UTC) == datetime(2026, 1, 3, tzinfo=UTC)
    assert shown["ReplayEndTime"] >= shown["ReplayStartTime"]
    assert aws.events.describe_archive(ArchiveName="a")["EventCount"] == 3
    assert [listed["ReplayName"] for listed in aws.events.list_replays(State="COMPLETED")["Replays"]] == ["again"]


def test_a_replay_of_many_events_goes_to_the_rules_that_it_names(aws: Account) -> None:
    source, one, two = archive(aws), queue(aws, "one"), queue(aws, "two")
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "Time": datetime(2026, 1, 5, tzinfo=UTC)}
    for _ in range(25):
        assert aws.events.put_events(Entries=[entry] * 10)["FailedEntryCount"] == 0
    wanted = rule(aws, None, {"Arn": one.arn}, name="one")
    rule(aws, None, {"Arn": two.arn}, name="two")
    replay(aws, source, FilterArns=[wanted])
    assert ended(aws)["State"] == "COMPLETED"
    assert len(one.texts(250)) == 250
    assert two.is_empty()


def test_what_cannot_be_replayed(aws: Account) -> None:
    source = archive(aws)
    aws.events.create_event_bus(Name="other")
    params: dict[str, Any] = {
        "ReplayName": "again",
        "EventSourceArn": source,
        "EventStartTime": datetime(2026, 1, 1, tzinfo=UTC),
        "EventEndTime": datetime(2026, 1, 2, tzinfo=UTC),
        "Destination": {"Arn": bus_arn(aws)},
    }
    start = aws.events.start_replay
    no_bus = ("ResourceNotFoundException", "Event bus gone does not exist.")
    assert refusal(start, **params | {"Destination": {"Arn": bus_arn(aws, "gone")}}) == no_bus
    across = ("ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
    assert refusal(start, **params | {"Destination": {"Arn": bus_arn(aws, "other")}}) == across
    assert refusal(start, **params | {"EventEndTime": datetime(2025, 1, 1, tzinfo=UTC)})[0] == "ValidationException"
    assert refusal(start, **params | {"EventSourceArn": source + "x"})[0] == "ResourceNotFoundException"
    start(**params)
    assert refusal(start, **params) == ("ResourceAlreadyExistsException", "Replay again already exists.")
    assert refusal(aws.events.describe_replay, ReplayName="gone") == ("ResourceNotFoundException", "Replay gone does not exist.")
    ended(aws)
    assert refusal(aws.events.cancel_replay, ReplayName="again")[0] == "IllegalStatusException"


def test_an_archive_needs_a_bus_and_a_pattern_that_is_one(aws: Account) -> None:
    expected = ("ResourceNotFoundException", "Event bus gone does not exist.")
    assert refusal(aws.events.create_archive, ArchiveName="a", EventSourceArn=bus_arn(aws, "gone")) == expected
    assert refusal(aws.events.list_archives, EventSourceArn=bus_arn(aws, "gone")) == expected
    assert refusal(aws.events.create_archive, ArchiveName="a", EventSourceArn=bus_arn(aws), EventPattern="[]")[0] == "InvalidEventPatternException"
    archive(aws)
    assert refusal(aws.events.create_archive, ArchiveName="a", EventSourceArn=bus_arn(aws))[0] == "ResourceAlreadyExistsException"


def test_a_changed_archive_takes_what_it_now_asks_for(aws: Account) -> None:
    archive(aws, EventPattern=json.dumps({"source": ["a"]}))
    aws.events.update_archive(ArchiveName="a", EventPattern=json.dumps({"source": ["b"]}), RetentionDays=9)
    put(aws, source="a")
    put(aws, source="b")
    shown = aws.events.describe_archive(ArchiveName="a")
    assert (shown["EventCount"], shown["RetentionDays"]) == (1, 9)


@pytest.mark.parametrize("days", [2])
def test_events_are_forgotten_after_their_days(turned: Account, days: int) -> None:
    archive(turned, RetentionDays=days)
    put(turned)
    turned.node.advance(timedelta(days=1).total_seconds())
    put(turned)
    assert turned.events.describe_archive(ArchiveName="a")["EventCount"] == 2
    turned.node.advance(timedelta(days=1, hours=1).total_seconds())
    assert turned.events.describe_archive(ArchiveName="a")["EventCount"] == 1
    turned.node.advance(timedelta(days=1, hours=1).total_seconds())
    assert turned.events.describe_archive(ArchiveName="a")["EventCount"] == 0
