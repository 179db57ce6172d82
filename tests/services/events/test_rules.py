"""Rules: made, changed, listed, turned on and off, and what cannot be."""

from __future__ import annotations

import json

import pytest

from tests.node import Account
from tests.services.events.house import put, queue, refusal, rule


def test_a_rule_is_shown_as_it_was_put(aws: Account) -> None:
    pattern = json.dumps({"source": ["shop"]})
    arn = aws.events.put_rule(Name="r", EventPattern=pattern, Description="d", State="DISABLED", Tags=[{"Key": "a", "Value": "b"}])["RuleArn"]
    assert arn == f"arn:aws:events:us-east-1:{aws.id}:rule/r"
    shown = aws.events.describe_rule(Name="r")
    del shown["ResponseMetadata"]
    assert shown == {
        "Name": "r",
        "Arn": arn,
        "EventPattern": pattern,
        "State": "DISABLED",
        "Description": "d",
        "EventBusName": "default",
        "CreatedBy": aws.id,
    }
    assert aws.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_putting_a_rule_again_replaces_it_but_for_targets_and_tags(aws: Account) -> None:
    found = queue(aws)
    arn = rule(aws, {"source": ["a"]}, {"Arn": found.arn}, Description="d", Tags=[{"Key": "a", "Value": "b"}])
    rule(aws, {"source": ["b"]}, Tags=[{"Key": "c", "Value": "d"}])
    shown = aws.events.describe_rule(Name="r")
    assert (shown["EventPattern"], shown["State"]) == ('{"source": ["b"]}', "ENABLED")
    assert "Description" not in shown
    assert [target["Arn"] for target in aws.events.list_targets_by_rule(Rule="r")["Targets"]] == [found.arn]
    assert aws.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    put(aws, {"n": 1}, source="a")
    put(aws, {"n": 2}, source="b")
    assert found.one()["detail"] == {"n": 2}


def test_the_arn_of_a_rule_names_its_bus(aws: Account) -> None:
    aws.events.create_event_bus(Name="orders")
    assert rule(aws, bus="orders") == f"arn:aws:events:us-east-1:{aws.id}:rule/orders/r"


def test_a_disabled_rule_matches_nothing(aws: Account) -> None:
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn})
    aws.events.disable_rule(Name="r")
    put(aws, {"n": 1})
    aws.events.enable_rule(Name="r")
    put(aws, {"n": 2})
    assert found.one()["detail"] == {"n": 2}


def test_rules_are_listed_in_pages_and_by_target(aws: Account) -> None:
    found = queue(aws)
    for name in ("b1", "a1", "a2"):
        rule(aws, None, *([{"Arn": found.arn}] if name != "a1" else []), name=name)
    first = aws.events.list_rules(Limit=2)
    second = aws.events.list_rules(Limit=2, NextToken=first["NextToken"])
    assert [shown["Name"] for shown in first["Rules"] + second["Rules"]] == ["a1", "a2", "b1"]
    assert [shown["Name"] for shown in aws.events.list_rules(NamePrefix="a")["Rules"]] == ["a1", "a2"]
    assert aws.events.list_rule_names_by_target(TargetArn=found.arn)["RuleNames"] == ["a2", "b1"]
    only = aws.events.list_rule_names_by_target(TargetArn=found.arn, Limit=1)
    assert aws.events.list_rule_names_by_target(TargetArn=found.arn, Limit=1, NextToken=only["NextToken"])["RuleNames"] == ["b1"]
    assert refusal(aws.events.list_rules, NextToken="made up")[0] == "ValidationException"


def test_a_rule_goes_when_it_has_no_targets(aws: Account) -> None:
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn})
    assert refusal(aws.events.delete_rule, Name="r") == ("ValidationException", "Rule can't be deleted since it has targets.")
    aws.events.remove_targets(Rule="r", Ids=["t0"])
    aws.events.delete_rule(Name="r")
    aws.events.delete_rule(Name="r")
    assert refusal(aws.events.describe_rule, Name="r") == ("ResourceNotFoundException", "Rule r does not exist on EventBus default.")
    assert refusal(aws.events.delete_rule, Name="r", EventBusName="gone") == ("ResourceNotFoundException", "Event bus gone does not exist.")


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        ({"ScheduleExpression": "cron(0 1 * * * *)"}, "ValidationException", "Parameter ScheduleExpression is not valid."),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "Parameter ScheduleExpression is not valid."),
        ({"ScheduleExpression": "at(2030-01-01T00:00:00)"}, "ValidationException", "Parameter ScheduleExpression is not valid."),
        (
            {"EventPattern": '{"source": "a"}'},
            "InvalidEventPatternException",
            'Event pattern is not valid. Reason: "source" must be an object or an array\n'
            ' at [Source: (String)"{"source": "a"}"; line: 1, column: 13]',
        ),
        ({"EventPattern": "{}", "EventBusName": "gone"}, "ResourceNotFoundException", "Event bus gone does not exist."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_rule_can_be(aws: Account, params: dict[str, str], code: str, message: str) -> None:
    assert refusal(aws.events.put_rule, Name="r", **params) == (code, message)


def test_schedules_are_for_the_default_bus(aws: Account) -> None:
    aws.events.create_event_bus(Name="orders")
    expected = ("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    assert refusal(aws.events.put_rule, Name="r", EventBusName="orders", ScheduleExpression="rate(1 day)") == expected


EVENT = {
    "id": "1",
    "account": "123456789012",
    "source": "shop",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "t",
    "detail": {"n": 1},
}


def test_a_pattern_can_be_tried(aws: Account) -> None:
    assert aws.events.test_event_pattern(EventPattern='{"detail": {"n": [1]}}', Event=json.dumps(EVENT))["Result"] is True
    assert aws.events.test_event_pattern(EventPattern='{"detail": {"n": [2]}}', Event=json.dumps(EVENT))["Result"] is False
    assert refusal(aws.events.test_event_pattern, EventPattern="[]", Event=json.dumps(EVENT))[0] == "InvalidEventPatternException"


@pytest.mark.parametrize("event", ["", "text", "[]", '"text"', json.dumps({key: value for key, value in EVENT.items() if key != "source"})])
def test_what_is_no_event(aws: Account, event: str) -> None:
    expected = ("ValidationException", "Parameter Event is not valid.")
    assert refusal(aws.events.test_event_pattern, EventPattern='{"source": ["shop"]}', Event=event) == expected
