"""Buses and archives with a key of KMS: events are encrypted while they wait or are kept, and EventBridge needs the key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.node import Account, RunningNode
from tests.services.events.house import put, queue, rule
from tests.services.events.test_archives import ended


def _key(account: Account, *, lets_in: bool = True) -> str:
    root: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "kms:*", "Resource": "*"}
    actions = ["kms:GenerateDataKey", "kms:Decrypt"]
    service: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": actions, "Resource": "*"}
    service["Condition"] = {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:{account.id}:event-bus/secret"}}
    policy = {"Version": "2012-10-17", "Statement": [root, service] if lets_in else [root]}
    return account.kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]


def _bus(account: Account, key: str, **more: Any) -> str:
    return account.events.create_event_bus(Name="secret", KmsKeyIdentifier=key, **more)["EventBusArn"]


def test_events_of_an_encrypted_bus_reach_their_targets(aws: Account) -> None:
    _bus(aws, _key(aws))
    near, far = queue(aws, "near"), queue(aws, "far.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    rule(aws, {"detail": {"n": [1]}}, {"Arn": near.arn, "InputPath": "$.detail"}, name="near", bus="secret")
    rule(aws, None, {"Arn": far.arn, "SqsParameters": {"MessageGroupId": "g"}}, name="far", bus="secret")
    put(aws, {"n": 1}, EventBusName="secret")
    assert near.one() == {"n": 1}
    assert far.one()["detail"] == {"n": 1}


def test_an_event_that_cannot_be_encrypted_goes_to_the_dead_letters_of_its_bus(aws: Account) -> None:
    dead, out = queue(aws, "dead"), queue(aws, "out")
    _bus(aws, _key(aws, lets_in=False), DeadLetterConfig={"Arn": dead.arn})
    rule(aws, None, {"Arn": out.arn}, bus="secret")
    id = put(aws, {"n": 1}, EventBusName="secret")
    letter = dead.letter()
    assert json.loads(letter["Body"])["id"] == id
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDenied"
    assert "kms:GenerateDataKey" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert out.is_empty()


def test_a_bus_gets_rid_of_its_key(aws: Account) -> None:
    out = queue(aws)
    _bus(aws, _key(aws, lets_in=False))
    rule(aws, None, {"Arn": out.arn}, bus="secret")
    aws.events.update_event_bus(Name="secret", KmsKeyIdentifier="")
    assert "KmsKeyIdentifier" not in aws.events.describe_event_bus(Name="secret")
    put(aws, {"n": 1}, EventBusName="secret")
    assert out.one()["detail"] == {"n": 1}


def test_what_a_target_does_not_take_is_in_its_dead_letters_encrypted(aws: Account) -> None:
    key, dead = _key(aws), queue(aws, "dead")
    bus = _bus(aws, key)
    gone = f"arn:aws:sqs:us-east-1:{aws.id}:gone"
    made = rule(aws, None, {"Arn": gone, "DeadLetterConfig": {"Arn": dead.arn}}, bus="secret")
    put(aws, {"n": 1}, EventBusName="secret")
    letter = dead.letter()
    event = json.loads(letter["Body"])
    payload = event["detail"].pop("encrypted-payload")
    assert (event["source"], event["detail-type"]) == ("aws.events", "Encrypted Events")
    assert event["detail"] == {"event-bus-arn": bus, "rule-arn": made, "kms-key-arn": key}
    assert payload
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == gone
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_an_encrypted_archive_is_replayed(aws: Account) -> None:
    bus = _bus(aws, _key(aws))
    out, key = queue(aws), _key(aws)
    archive = aws.events.create_archive(ArchiveName="a", EventSourceArn=bus, KmsKeyIdentifier=key)["ArchiveArn"]
    put(aws, {"n": 1}, EventBusName="secret", Time=datetime(2026, 1, 2, tzinfo=UTC))
    rule(aws, None, {"Arn": out.arn}, bus="secret")
    asked = {"EventSourceArn": archive, "EventStartTime": datetime(2026, 1, 1, tzinfo=UTC), "EventEndTime": datetime(2026, 1, 31, tzinfo=UTC)}
    aws.events.start_replay(ReplayName="r", Destination={"Arn": bus}, **asked)
    assert ended(aws, "r")["State"] == "COMPLETED"
    assert out.one()["detail"] == {"n": 1}


def test_what_is_archived_cannot_be_read_and_a_lost_key_fails_the_replay(tmp_path: Path) -> None:
    with RunningNode(tmp_path) as node:
        account = node.fresh_account()
        key = _key(account)
        bus = _bus(account, key)
        archive = account.events.create_archive(ArchiveName="a", EventSourceArn=bus, KmsKeyIdentifier=key)["ArchiveArn"]
        put(account, {"n": "confidential"}, EventBusName="secret", Time=datetime(2026, 1, 2, tzinfo=UTC))
        account.kms.disable_key(KeyId=key)
        node.advance(301)  # what a data key is remembered for
        asked = {"EventSourceArn": archive, "EventStartTime": datetime(2026, 1, 1, tzinfo=UTC), "EventEndTime": datetime(2026, 1, 31, tzinfo=UTC)}
        account.events.start_replay(ReplayName="r", Destination={"Arn": bus}, **asked)
        shown = ended(account, "r")
        assert shown["State"] == "FAILED"
        assert "is disabled" in shown["StateReason"]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"event-bus/secret" in kept
    assert b"confidential" not in kept
