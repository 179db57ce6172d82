"""Event sources of partners, and global endpoints."""

from __future__ import annotations

from tests.node import Account
from tests.services.events.house import put, queue, refusal, rule

SOURCE = "aws.partner/example.com/orders"


def test_a_partners_events_reach_the_bus_that_takes_them(aws: Account) -> None:
    partner = aws.node.fresh_account()
    partner.events.create_partner_event_source(Name=SOURCE, Account=aws.id)
    [offered] = aws.events.list_event_sources()["EventSources"]
    assert (offered["Name"], offered["State"], offered["CreatedBy"]) == (SOURCE, "PENDING", "example.com")
    entry = {"Source": SOURCE, "DetailType": "t", "Detail": '{"n": 1}'}
    partner.events.put_partner_events(Entries=[entry])
    aws.events.create_event_bus(Name=SOURCE, EventSourceName=SOURCE)
    assert aws.events.describe_event_source(Name=SOURCE)["State"] == "ACTIVE"
    found = queue(aws)
    rule(aws, {"account": [aws.id]}, {"Arn": found.arn}, bus=SOURCE)
    partner.events.put_partner_events(Entries=[{**entry, "Detail": '{"n": 2}'}])
    assert found.one()["detail"] == {"n": 2}
    aws.events.deactivate_event_source(Name=SOURCE)
    partner.events.put_partner_events(Entries=[entry])
    aws.events.activate_event_source(Name=SOURCE)
    partner.events.put_partner_events(Entries=[{**entry, "Detail": '{"n": 3}'}])
    assert found.one()["detail"] == {"n": 3}
    [account] = partner.events.list_partner_event_source_accounts(EventSourceName=SOURCE)["PartnerEventSourceAccounts"]
    assert (account["Account"], account["State"]) == (aws.id, "ACTIVE")
    assert [each["Name"] for each in partner.events.list_partner_event_sources(NamePrefix="aws.partner/example.com/")["PartnerEventSources"]] == [
        SOURCE
    ]
    partner.events.delete_partner_event_source(Name=SOURCE, Account=aws.id)
    assert aws.events.describe_event_source(Name=SOURCE)["State"] == "DELETED"
    assert refusal(partner.events.describe_partner_event_source, Name=SOURCE)[0] == "ResourceNotFoundException"


def test_an_endpoint_is_kept(aws: Account) -> None:
    routing = {
        "FailoverConfig": {
            "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/11111111-2222-3333-4444-555555555555"},
            "Secondary": {"Route": "us-west-2"},
        }
    }
    buses = [{"EventBusArn": f"arn:aws:events:{region}:{aws.id}:event-bus/default"} for region in ("us-east-1", "us-west-2")]
    made = aws.events.create_endpoint(Name="e", RoutingConfig=routing, EventBuses=buses)
    assert (made["State"], made["ReplicationConfig"]) == ("ACTIVE", {"State": "ENABLED"})
    aws.events.update_endpoint(Name="e", Description="d")
    shown = aws.events.describe_endpoint(Name="e")
    assert (shown["Description"], shown["RoutingConfig"], shown["EventBuses"]) == ("d", routing, buses)
    assert shown["EndpointUrl"] == f"https://{shown['EndpointId']}.endpoint.events.amazonaws.com"
    assert [each["Name"] for each in aws.events.list_endpoints()["Endpoints"]] == ["e"]
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn})
    put(aws, {"n": 1})
    assert found.one()["detail"] == {"n": 1}
    aws.events.delete_endpoint(Name="e")
    assert refusal(aws.events.describe_endpoint, Name="e") == ("ResourceNotFoundException", "Endpoint 'e' does not exist.")
