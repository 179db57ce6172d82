"""Events that rules send from bus to bus: in one account, to another account, to another region."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.events.house import Queue, allow, put, queue, refusal, role, rule


def bus_arn(account: Account, name: str = "default", region: str = "us-east-1") -> str:
    return f"arn:aws:events:{region}:{account.id}:event-bus/{name}"


class Elsewhere(Account):
    """The same account in another region."""

    def __init__(self, account: Account, region: str) -> None:
        super().__init__(account.node, account.id)
        self.region = region

    def client(self, service: str, **overrides: Any) -> Any:
        return super().client(service, **{"region_name": self.region, **overrides})


def sends(account: Account, target: str, *queues: Queue, **more: Any) -> None:
    rule(account, {"source": ["shop"]}, {"Arn": target, **more}, *({"Arn": found.arn} for found in queues), name="sends")


def test_an_event_goes_to_another_bus_of_the_account_and_not_on_to_a_third(aws: Account) -> None:
    aws.events.create_event_bus(Name="second")
    aws.events.create_event_bus(Name="third")
    second, third, first = queue(aws, "second"), queue(aws, "third"), queue(aws, "first")
    sends(aws, bus_arn(aws, "second"), first)
    rule(aws, None, {"Arn": bus_arn(aws, "third")}, {"Arn": second.arn}, bus="second")
    rule(aws, None, {"Arn": third.arn}, bus="third")
    put(aws, {"n": 1})
    assert second.one() == first.one()
    put(aws, {"n": 2}, EventBusName="third")
    assert third.one()["detail"] == {"n": 2}


def test_an_event_goes_to_another_account_that_lets_it_in(aws: Account) -> None:
    other = aws.node.fresh_account()
    dead, found = queue(aws, "dead"), queue(other)
    rule(other, {"account": [aws.id]}, {"Arn": found.arn})
    sends(aws, bus_arn(other), DeadLetterConfig={"Arn": dead.arn})
    put(aws, {"n": 1})
    letter = dead.letter()
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    other.events.put_permission(Action="events:PutEvents", Principal=aws.id, StatementId="s")
    id = put(aws, {"n": 2})
    event = found.one()
    assert (event["id"], event["account"], event["detail"]) == (id, aws.id, {"n": 2})


def test_an_event_goes_to_another_region_as_the_role_with_another_id(aws: Account) -> None:
    far = Elsewhere(aws, "eu-west-1")
    found = queue(far)
    far.events.create_event_bus(Name="far")
    rule(far, None, {"Arn": found.arn}, bus="far")
    target = bus_arn(aws, "far", "eu-west-1")
    sends(aws, target, RoleArn=role(aws, "sender", [allow("events:PutEvents", target)]))
    id = put(aws, {"n": 1})
    event = found.one()
    assert (event["region"], event["account"], event["detail"]) == ("us-east-1", aws.id, {"n": 1})
    assert event["id"] != id


def test_a_role_that_may_not_put_events_relays_none(aws: Account) -> None:
    aws.events.create_event_bus(Name="second")
    dead = queue(aws, "dead")
    weak = role(aws, "weak", [allow("events:PutRule")])
    sends(aws, bus_arn(aws, "second"), RoleArn=weak, DeadLetterConfig={"Arn": dead.arn})
    put(aws)
    assert dead.letter()["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_bus_that_is_not_there_leaves_a_dead_letter(aws: Account) -> None:
    dead = queue(aws, "dead")
    sends(aws, bus_arn(aws, "gone"), DeadLetterConfig={"Arn": dead.arn})
    put(aws)
    assert dead.letter()["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_bus_says_which_events_may_come_from_other_buses(aws: Account) -> None:
    other = aws.node.fresh_account()
    found = queue(other)
    rule(other, None, {"Arn": found.arn})
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.id}:root"},
        "Action": "events:PutEvents",
        "Resource": bus_arn(other),
        "Condition": {"StringEquals": {"events:source": "shop"}, "Bool": {"events:eventBusInvocation": "true"}},
    }
    other.events.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": bus_arn(other)}
    assert refusal(aws.events.put_events, Entries=[entry])[0] == "AccessDeniedException"
    sends(aws, bus_arn(other))
    id = put(aws)
    assert found.one()["id"] == id
