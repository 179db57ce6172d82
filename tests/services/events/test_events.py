"""Events put by clients: what they become, what is refused, who may put them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.node import Account, RunningNode
from tests.services.events.house import allow, put, queue, refusal, rule


def test_an_event_arrives_as_rules_and_targets_see_it(aws: Account) -> None:
    found = queue(aws)
    rule(aws, {"source": ["shop"], "detail": {"total": [{"numeric": [">", 5]}]}}, {"Arn": found.arn})
    put(aws, {"total": 5})
    id = put(aws, '{ "total" : 6,\n "text": "ü" }', Resources=["arn:a"], Time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    [text] = found.texts(1)
    assert json.loads(text) == {
        "version": "0",
        "id": id,
        "detail-type": "order",
        "source": "shop",
        "account": aws.id,
        "time": "2026-01-02T03:04:05Z",
        "region": "us-east-1",
        "resources": ["arn:a"],
        "detail": {"total": 6, "text": "ü"},
    }
    assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    assert list(json.loads(text)) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]


def test_each_rule_that_matches_sends_to_each_of_its_targets(aws: Account) -> None:
    one, two = queue(aws, "one"), queue(aws, "two")
    rule(aws, None, {"Arn": one.arn}, {"Arn": two.arn}, name="a")
    rule(aws, {"source": ["shop"]}, {"Arn": two.arn}, name="b")
    id = put(aws)
    assert [event["id"] for event in one.events(1) + two.events(2)] == [id] * 3


@pytest.mark.parametrize("detail", ["text", "[]", '"text"', '{"a": ', "1"])
def test_a_detail_that_is_no_object_is_refused(aws: Account, detail: str) -> None:
    answer = aws.events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": detail}])
    assert (answer["FailedEntryCount"], answer["Entries"]) == (1, [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}])


@pytest.mark.parametrize("missing", ["Source", "DetailType", "Detail"])
def test_a_member_that_is_missing_is_told(aws: Account, missing: str) -> None:
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    del entry[missing]
    [answer] = aws.events.put_events(Entries=[entry])["Entries"]
    message = f"Parameter {missing} is not valid. Reason: {missing} is a required argument."
    assert answer == {"ErrorCode": "InvalidArgument", "ErrorMessage": message}


def test_what_is_refused_does_not_keep_the_others(aws: Account) -> None:
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn})
    good = {"Source": "s", "DetailType": "t", "Detail": '{"n": 1}'}
    answer = aws.events.put_events(Entries=[{**good, "Source": "aws.s3"}, good, {**good, "Detail": "["}])
    assert answer["FailedEntryCount"] == 2
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == ["NotAuthorizedForSourceException", None, "MalformedDetail"]
    assert found.one()["id"] == answer["Entries"][1]["EventId"]


def test_entries_are_limited_in_number_and_size(aws: Account) -> None:
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    code, message = refusal(aws.events.put_events, Entries=[entry] * 11)
    assert code == "ValidationException"
    assert message.endswith("at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10")
    large = json.dumps({"a": "x" * 600_000})
    expected = ("ValidationException", "Total size of the entries in the request is over the limit.")
    assert refusal(aws.events.put_events, Entries=[{**entry, "Detail": large}] * 2) == expected
    assert put(aws, large)


def test_events_to_a_bus_that_is_not_there_are_taken_and_lost(aws: Account) -> None:
    assert put(aws, EventBusName="gone")


def test_policies_look_at_source_and_detail_type(aws: Account) -> None:
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    condition = {"StringEquals": {"events:source": "shop", "events:detail-type": ["order", "refund"]}}
    bus = f"arn:aws:events:us-east-1:{aws.id}:event-bus/default"
    document = {"Version": "2012-10-17", "Statement": [{**allow("events:PutEvents", bus), "Condition": condition}]}
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    client = aws.client("events", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    entry = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    assert client.put_events(Entries=[entry, {**entry, "DetailType": "refund"}])["FailedEntryCount"] == 0
    code, message = refusal(client.put_events, Entries=[entry, {**entry, "Source": "other"}])
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: events:PutEvents on resource: {bus}" in message
    assert refusal(client.put_events, Entries=[{**entry, "EventBusName": "orders"}])[0] == "AccessDeniedException"
    assert refusal(client.put_rule, Name="r", ScheduleExpression="rate(1 day)")[0] == "AccessDeniedException"


def test_policies_look_at_the_targets_of_a_rule_and_at_who_made_it(aws: Account) -> None:
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    found = queue(aws)
    rule(aws)
    condition = {"ForAllValues:StringEquals": {"events:TargetArn": found.arn}, "StringEquals": {"events:creatorAccount": aws.id}}
    document = {"Version": "2012-10-17", "Statement": [{**allow("events:PutTargets", f"arn:aws:events:*:{aws.id}:rule/*"), "Condition": condition}]}
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    client = aws.client("events", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    client.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": found.arn}])
    code, _ = refusal(client.put_targets, Rule="r", Targets=[{"Id": "1", "Arn": found.arn + "x"}])
    assert code == "AccessDeniedException"


def test_another_account_puts_events_when_the_bus_lets_it_in(aws: Account) -> None:
    other = aws.node.fresh_account()
    found = queue(aws)
    aws.events.create_event_bus(Name="shared")
    rule(aws, None, {"Arn": found.arn}, bus="shared")
    bus = f"arn:aws:events:us-east-1:{aws.id}:event-bus/shared"
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": bus}
    assert refusal(other.events.put_events, Entries=[entry])[0] == "AccessDeniedException"
    aws.events.put_permission(EventBusName="shared", Action="events:PutEvents", Principal=other.id, StatementId="s")
    other.events.put_events(Entries=[entry])
    assert found.one()["account"] == other.id


def test_what_s3_tells_reaches_the_default_bus(aws: Account) -> None:
    found = queue(aws)
    rule(aws, {"source": ["aws.s3"], "detail": {"object": {"key": [{"suffix": ".png"}]}}}, {"Arn": found.arn})
    bucket = f"b-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    aws.s3.put_object(Bucket=bucket, Key="a.txt", Body=b"x")
    aws.s3.put_object(Bucket=bucket, Key="a.png", Body=b"x")
    event = found.one()
    assert (event["detail-type"], event["detail"]["object"]["key"], event["resources"]) == ("Object Created", "a.png", [f"arn:aws:s3:::{bucket}"])


def test_the_trace_of_an_event_goes_with_it(aws: Account) -> None:
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn})
    trace = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"
    put(aws, TraceHeader=trace)
    message = aws.sqs.receive_message(QueueUrl=found.url, WaitTimeSeconds=10, AttributeNames=["AWSTraceHeader"])["Messages"][0]
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-67891233-abcdef012345678912345678")


def test_what_was_taken_arrives_though_the_node_is_killed(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    found = queue(account)
    rule(account, None, {"Arn": found.arn})
    ids = {put(account, {"n": n}) for n in range(30)}
    node.kill()
    again = start_node()
    assert arrived(Account(again, account.id), found.url.replace(node.url, again.url), ids) == ids


def arrived(account: Account, url: str, expected: set[str]) -> set[str]:
    """The ids of the events that come; one that was on its way when the node died may come twice."""
    came: set[str] = set()
    end = time.monotonic() + 90
    while not came >= expected and time.monotonic() < end:
        for message in account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", []):
            account.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            came.add(json.loads(message["Body"])["id"])
    return came


def test_policies_look_at_what_a_rule_would_match(aws: Account) -> None:
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    condition = {"ForAllValues:StringEquals": {"events:source": "shop"}, "Null": {"events:source": "false"}}
    document = {"Version": "2012-10-17", "Statement": [{**allow("events:PutRule"), "Condition": condition}]}
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    client = aws.client("events", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    client.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    assert refusal(client.put_rule, Name="r", EventPattern='{"source": ["shop", "other"]}')[0] == "AccessDeniedException"
    assert refusal(client.put_rule, Name="r", EventPattern='{"detail": {"a": [1]}}')[0] == "AccessDeniedException"
