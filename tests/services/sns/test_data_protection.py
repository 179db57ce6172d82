"""Data protection policies: sensitive data in messages is masked, redacted, denied and told of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.sns.endpoints import Queue, eventually
from tule.services.sns import data_identifiers
from tule.services.sns.data_protection import compiled, given_out
from tule.services.sns.message import Message

MANAGED = "arn:aws:dataprotection::aws:data-identifier/"
MASK = {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}
REDACT: dict[str, Any] = {"Deidentify": {"RedactConfig": {}}}
DENY: dict[str, Any] = {"Deny": {}}


def _statement(operation: dict[str, Any], *identifiers: str, direction: str = "Inbound", principal: str = "*") -> dict[str, Any]:
    named = [identifier if identifier.startswith("own") else MANAGED + identifier for identifier in identifiers]
    return {"Sid": "s", "DataDirection": direction, "Principal": [principal], "DataIdentifier": named, "Operation": operation}


def _policy(*statements: dict[str, Any], **configuration: Any) -> str:
    return json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": list(statements), "Configuration": configuration})


def _protect(account: Account, topic: str, *statements: dict[str, Any], **configuration: Any) -> None:
    account.sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=_policy(*statements, **configuration))


def _subscribe(account: Account, topic: str, queue: Queue) -> None:
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("EmailAddress", "to bob@example.com, now", ["bob@example.com"]),
        ("IpAddress", "10.0.0.256 10.0.0.255 fe80::1 1.2.3.4.5", ["10.0.0.255", "fe80::1"]),
        ("CreditCardNumber", "4111 1111 1111 1111 4111111111111112", ["4111 1111 1111 1111"]),
        ("Ssn-US", "123-45-6789 000-45-6789 123-45 6789", ["123-45-6789"]),
        ("PhoneNumber-US", "(206) 555-0100, 12065550100", ["(206) 555-0100"]),
        ("BankAccountNumber-DE", "DE89370400440532013000 DE88370400440532013000", ["DE89370400440532013000"]),
        ("VehicleIdentificationNumber", "1M8GDM9AXKP042788 1M8GDM9A1KP042788", ["1M8GDM9AXKP042788"]),
        ("LatLong", "47.6062, -122.3321", ["47.6062, -122.3321"]),
    ],
)
def test_identifiers_find_what_they_name(name: str, text: str, found: list[str]) -> None:
    identifier = data_identifiers.managed(name)
    assert identifier is not None
    assert [text[start:end] for start, end in identifier.spans(text)] == found


def test_what_comes_in_is_masked_redacted_or_denied(aws: Account, topic: str, queue: Queue) -> None:
    _subscribe(aws, topic, queue)
    _protect(
        aws,
        topic,
        _statement(MASK, "EmailAddress"),
        _statement(REDACT, "own-id"),
        _statement(DENY, "Ssn-US"),
        CustomDataIdentifier=[{"Name": "own-id", "Regex": "EID-[0-9]{3}"}],
    )
    with pytest.raises(ClientError) as error:
        aws.sns.publish(TopicArn=topic, Message="I am 123-45-6789")
    assert error.value.response["Error"]["Code"] == "AuthorizationError"
    entries = [{"Id": "good", "Message": "a@b.example is EID-123."}, {"Id": "bad", "Message": "123-45-6789"}]
    answer = aws.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Failed"]] == ["bad"]
    assert [message["Body"] for message in queue.messages(1)] == ["########### is ."]


def test_a_statement_is_for_its_principals(aws: Account, topic: str, queue: Queue) -> None:
    _subscribe(aws, topic, queue)
    _protect(aws, topic, _statement(DENY, "EmailAddress", principal=f"arn:aws:iam::{aws.id}:user/eve"))
    aws.sns.publish(TopicArn=topic, Message="a@b.example")
    assert [message["Body"] for message in queue.messages(1)] == ["a@b.example"]


def test_what_goes_out_is_masked_or_denied_by_who_subscribed() -> None:
    text = _policy(_statement(MASK, "EmailAddress", direction="Outbound", principal="arn:aws:iam::1:user/u"))
    protection = compiled(text)
    assert protection is not None
    sent = Message("id", 0, '{"default": "a@b.example"}', texts={"default": "a@b.example"})
    assert given_out(protection, "arn:aws:iam::1:user/u", sent).text_for("sqs") == "###########"
    assert given_out(protection, "arn:aws:iam::1:user/other", sent) is sent


def test_a_subscriber_does_not_get_what_is_denied_to_it(aws: Account, topic: str, queue: Queue) -> None:
    _subscribe(aws, topic, queue)
    _protect(aws, topic, _statement(DENY, "EmailAddress", direction="Outbound"))
    for text in ("a@b.example", "harmless"):
        aws.sns.publish(TopicArn=topic, Message=text)
    assert [message["Body"] for message in queue.messages(1)] == ["harmless"]


def test_a_replay_gives_out_no_more(aws: Account) -> None:
    topic = aws.sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ArchivePolicy": '{"MessageRetentionPeriod": 1}'})["TopicArn"]
    _protect(aws, topic, _statement(MASK, "EmailAddress", direction="Outbound"))
    aws.sns.publish(TopicArn=topic, Message="a@b.example", MessageGroupId="g", MessageDeduplicationId="d")
    later = Queue(aws, "later.fifo", FifoQueue="true")
    start = {"PointType": "Timestamp", "StartingPoint": "2020-01-01T00:00:00Z"}
    attributes = {"RawMessageDelivery": "true", "ReplayPolicy": json.dumps(start)}
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=later.arn, Attributes=attributes)
    assert [message["Body"] for message in later.messages(1)] == ["###########"]


def test_findings_are_told_to_a_log(aws: Account, topic: str) -> None:
    aws.logs.create_log_group(logGroupName="/aws/vendedlogs/found")
    destination = {"CloudWatchLogs": {"LogGroup": "/aws/vendedlogs/found"}}
    audit = {"Audit": {"SampleRate": "100", "FindingsDestination": destination}}
    _protect(aws, topic, _statement(audit, "EmailAddress", "Ssn-US"))
    aws.sns.publish(TopicArn=topic, Message="harmless")
    id = aws.sns.publish(TopicArn=topic, Message="to a@b.example")["MessageId"]
    [line] = eventually(lambda: aws.logs.filter_log_events(logGroupName="/aws/vendedlogs/found")["events"])
    finding = json.loads(line["message"])
    assert (finding["messageId"], finding["resourceArn"]) == (id, topic)
    assert finding["callerPrincipal"] == f"arn:aws:iam::{aws.id}:root"
    assert finding["dataIdentifiers"] == [{"name": "EmailAddress", "count": 1, "detections": [{"start": 3, "end": 14}]}]


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("[]", "no list of statements"),
        (json.dumps({"Statement": [{"DataDirection": "Sideways"}]}), "DataDirection must be"),
        (_policy(_statement({"Forget": {}}, "EmailAddress")), "Operation must be"),
        (_policy(_statement(DENY, "own"), CustomDataIdentifier=[{"Name": "own", "Regex": "(a"}]), "Regex of own is invalid"),
    ],
)
def test_a_policy_that_is_none_is_refused(aws: Account, topic: str, policy: str, why: str) -> None:
    with pytest.raises(ClientError, match=why) as error:
        aws.sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=policy)
    assert error.value.response["Error"]["Code"] == "InvalidParameter"
