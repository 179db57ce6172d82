"""Event buses: the default one, others, their policies and tags."""

from __future__ import annotations

import json

from tests.node import Account
from tests.services.events.house import put, queue, refusal, rule


def test_the_default_bus_is_there_by_itself(aws: Account) -> None:
    assert [bus["Name"] for bus in aws.events.list_event_buses()["EventBuses"]] == ["default"]
    assert aws.events.describe_event_bus()["Arn"] == f"arn:aws:events:us-east-1:{aws.id}:event-bus/default"


def test_a_bus_is_made_described_changed_and_deleted(aws: Account) -> None:
    arn = f"arn:aws:events:us-east-1:{aws.id}:event-bus/orders"
    made = aws.events.create_event_bus(Name="orders", Description="of the shop", Tags=[{"Key": "a", "Value": "b"}])
    assert (made["EventBusArn"], made["Description"]) == (arn, "of the shop")
    assert aws.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    aws.events.update_event_bus(Name="orders", Description="other")
    shown = aws.events.describe_event_bus(Name=arn)
    assert (shown["Name"], shown["Description"], shown["Arn"]) == ("orders", "other", arn)
    assert shown["LastModifiedTime"] >= shown["CreationTime"]
    aws.events.delete_event_bus(Name="orders")
    aws.events.delete_event_bus(Name="orders")
    assert refusal(aws.events.describe_event_bus, Name="orders") == ("ResourceNotFoundException", "Event bus orders does not exist.")


def test_what_cannot_be_made_or_deleted(aws: Account) -> None:
    aws.events.create_event_bus(Name="orders")
    assert refusal(aws.events.create_event_bus, Name="orders") == ("ResourceAlreadyExistsException", "Event bus orders already exists.")
    assert refusal(aws.events.create_event_bus, Name="default") == ("ResourceAlreadyExistsException", "Event bus default already exists.")
    assert refusal(aws.events.create_event_bus, Name="a/b")[0] == "ValidationException"
    assert refusal(aws.events.delete_event_bus, Name="default") == ("ValidationException", "Cannot delete event bus default.")
    rule(aws, bus="orders")
    assert refusal(aws.events.delete_event_bus, Name="orders")[0] == "ValidationException"


def test_buses_are_listed_in_pages(aws: Account) -> None:
    for name in ("b", "a", "z", "az"):
        aws.events.create_event_bus(Name=name)
    first = aws.events.list_event_buses(Limit=3)
    second = aws.events.list_event_buses(Limit=3, NextToken=first["NextToken"])
    assert [bus["Name"] for bus in first["EventBuses"] + second["EventBuses"]] == ["a", "az", "b", "default", "z"]
    assert "NextToken" not in second
    assert [bus["Name"] for bus in aws.events.list_event_buses(NamePrefix="a")["EventBuses"]] == ["a", "az"]


def test_permissions_come_and_go(aws: Account) -> None:
    aws.events.put_permission(Action="events:PutEvents", Principal="111111111111", StatementId="one")
    aws.events.put_permission(
        Action="events:PutEvents", Principal="*", StatementId="two", Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    )
    bus = f"arn:aws:events:us-east-1:{aws.id}:event-bus/default"
    policy = json.loads(aws.events.describe_event_bus()["Policy"])
    assert policy["Statement"] == [
        {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "events:PutEvents", "Resource": bus},
        {
            "Sid": "two",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": bus,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        },
    ]
    aws.events.remove_permission(StatementId="one")
    assert [statement["Sid"] for statement in json.loads(aws.events.describe_event_bus()["Policy"])["Statement"]] == ["two"]
    not_there = ("ResourceNotFoundException", "Statement with the provided id does not exist.")
    assert refusal(aws.events.remove_permission, StatementId="one") == not_there
    aws.events.remove_permission(RemoveAllPermissions=True)
    assert "Policy" not in aws.events.describe_event_bus()
    assert refusal(aws.events.remove_permission, StatementId="two") == not_there
    assert refusal(aws.events.remove_permission, StatementId="x", EventBusName="gone") == (
        "ResourceNotFoundException",
        "Event bus gone does not exist.",
    )


def test_a_whole_policy_is_checked(aws: Account) -> None:
    assert refusal(aws.events.put_permission, Policy="no json")[0] == "ValidationException"
    long = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*" * 11_000}]}
    assert refusal(aws.events.put_permission, Policy=json.dumps(long))[0] in ("PolicyLengthExceededException", "ValidationException")


def test_tags_are_only_of_what_is_there(aws: Account) -> None:
    arn = f"arn:aws:events:us-east-1:{aws.id}:"
    no_bus = ("ResourceNotFoundException", "Event bus gone does not exist.")
    no_rule = ("ResourceNotFoundException", "Rule gone does not exist on EventBus default.")
    for resource, expected in ((arn + "event-bus/gone", no_bus), (arn + "rule/gone", no_rule)):
        assert refusal(aws.events.list_tags_for_resource, ResourceARN=resource) == expected
        assert refusal(aws.events.tag_resource, ResourceARN=resource, Tags=[{"Key": "a", "Value": "b"}]) == expected
        assert refusal(aws.events.untag_resource, ResourceARN=resource, TagKeys=["a"]) == expected


def test_an_event_reaches_the_rules_of_its_bus_only(aws: Account) -> None:
    aws.events.create_event_bus(Name="orders")
    default, orders = queue(aws, "d"), queue(aws, "o")
    rule(aws, None, {"Arn": default.arn})
    rule(aws, None, {"Arn": orders.arn}, bus="orders")
    put(aws, {"n": 1}, EventBusName="orders")
    put(aws, {"n": 2}, EventBusName=f"arn:aws:events:us-east-1:{aws.id}:event-bus/orders")
    put(aws, {"n": 3})
    assert default.one()["detail"] == {"n": 3}
    assert sorted(event["detail"]["n"] for event in orders.events(2)) == [1, 2]


def test_a_bus_that_is_made_anew_has_no_rules_of_before(aws: Account) -> None:
    aws.events.create_event_bus(Name="orders")
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn}, bus="orders")
    put(aws, {"n": 1}, EventBusName="orders")
    assert found.one()["detail"] == {"n": 1}
    aws.events.remove_targets(Rule="r", EventBusName="orders", Ids=["t0"])
    aws.events.delete_rule(Name="r", EventBusName="orders")
    aws.events.delete_event_bus(Name="orders")
    put(aws, {"n": 2}, EventBusName="orders")
    aws.events.create_event_bus(Name="orders")
    put(aws, {"n": 3}, EventBusName="orders")
    rule(aws, None, {"Arn": found.arn}, bus="orders")
    put(aws, {"n": 4}, EventBusName="orders")
    assert found.one()["detail"] == {"n": 4}
