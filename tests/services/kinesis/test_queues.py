"""Queues on streams: received, acknowledged, received again, dead, restored."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.kinesis.shards import put, refusal


def _made(aws: Account, position: str = "LATEST", **attributes: Any) -> str:
    aws.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    return _queue(aws, "q", position, **attributes)


def _queue(aws: Account, name: str, position: str = "LATEST", **attributes: Any) -> str:
    source = {"StreamARN": f"arn:aws:kinesis:us-east-1:{aws.id}:stream/s", "StartingPosition": {"Type": position}}
    more = {"QueueAttributes": attributes} if attributes else {}
    return aws.kinesis.create_queue(QueueName=name, StreamConfigurationList=[source], **more)["QueueDescription"]["QueueARN"]


def _received(aws: Account, queue: str, **asked: Any) -> list[dict[str, Any]]:
    return aws.kinesis.receive_queue_records(QueueARN=queue, **{"WaitTimeSeconds": 1, **asked})["QueueRecords"]


def _payloads(records: list[dict[str, Any]]) -> list[bytes]:
    return sorted(record["Data"] for record in records)


def test_a_queue_is_described_as_it_was_made_and_changed(aws: Account) -> None:
    queue = _made(aws)
    described = aws.kinesis.describe_queue(QueueARN=queue)["QueueDescription"]
    assert described.pop("QueueCreationTimestamp").timestamp() > 1_600_000_000
    stream = f"arn:aws:kinesis:us-east-1:{aws.id}:stream/s"
    assert described == {
        "QueueName": "q",
        "QueueARN": f"arn:aws:kinesis:us-east-1:{aws.id}:queue/q",
        "QueueStatus": "ACTIVE",
        "StreamConfigurationList": [{"StreamARN": stream, "StartingPosition": {"Type": "LATEST"}}],
        "QueueAttributes": {"VisibilityTimeoutSeconds": 30, "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 6}},
    }
    attributes = {"VisibilityTimeoutSeconds": 5, "DeadLetterConfiguration": {"TargetType": "NONE"}}
    assert aws.kinesis.update_queue(QueueARN=queue, QueueAttributes=attributes)["QueueDescription"]["QueueAttributes"] == attributes
    _queue(aws, "r")
    page = aws.kinesis.list_queues(MaxResults=1, StreamFilter=[{"StreamARN": stream}])
    rest = aws.kinesis.list_queues(NextToken=page["NextToken"])
    assert [summary["QueueName"] for summary in page["QueueSummaries"] + rest["QueueSummaries"]] == ["q", "r"]
    aws.kinesis.tag_resource(ResourceARN=queue, Tags={"a": "1"})
    assert aws.kinesis.list_tags_for_resource(ResourceARN=queue)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert aws.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["QueueCount"] == 2


def test_a_stream_with_queues_stays_as_it_is(aws: Account) -> None:
    queue = _made(aws)
    stream = f"arn:aws:kinesis:us-east-1:{aws.id}:stream/s"
    for attempt in (
        lambda: aws.kinesis.delete_stream(StreamName="s", EnforceConsumerDeletion=True),
        lambda: aws.kinesis.update_stream_mode(StreamARN=stream, StreamModeDetails={"StreamMode": "PROVISIONED"}),
        lambda: _queue(aws, "q"),
    ):
        with pytest.raises(ClientError) as error:
            attempt()
        assert refusal(error)[0] == "ResourceInUseException"
    aws.kinesis.delete_queue(QueueARN=queue)
    with pytest.raises(ClientError) as error:
        _received(aws, queue)
    assert refusal(error)[0] == "ResourceNotFoundException"
    aws.kinesis.update_stream_mode(StreamARN=stream, StreamModeDetails={"StreamMode": "PROVISIONED"})
    with pytest.raises(ClientError) as error:
        _queue(aws, "q")
    assert refusal(error)[0] == "InvalidArgumentException"


def test_an_acknowledged_record_is_never_received_again(turned: Account) -> None:
    queue = _made(turned)
    other = _queue(turned, "other")
    for key in "abcdef":
        put(turned, "s", key.encode(), key=key)
    records = _received(turned, queue, Limit=4) + _received(turned, queue)
    assert _payloads(records) == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert {record["ReceiveCount"] for record in records} == {1}
    handles = [{"ReceiptHandle": record["ReceiptHandle"]} for record in records if record["Data"] != b"c"]
    answer = turned.kinesis.acknowledge_queue_records(QueueARN=queue, Entries=handles)
    assert (len(answer["Successful"]), answer["Failed"]) == (5, [])
    turned.node.advance(31)
    (again,) = _received(turned, queue)
    assert (again["Data"], again["ReceiveCount"]) == (b"c", 2)
    assert again["RecordId"] == next(record["RecordId"] for record in records if record["Data"] == b"c")
    assert len(_received(turned, other)) == 6  # another queue knows nothing of it


def test_an_old_or_foreign_receipt_is_told_to_be_so(turned: Account) -> None:
    queue = _made(turned)
    put(turned, "s", b"x")
    (first,) = _received(turned, queue)
    turned.node.advance(31)
    (second,) = _received(turned, queue)
    answer = turned.kinesis.acknowledge_queue_records(
        QueueARN=queue, Entries=[{"ReceiptHandle": first["ReceiptHandle"]}, {"ReceiptHandle": "none"}, {"ReceiptHandle": second["ReceiptHandle"]}]
    )
    assert [entry["ErrorCode"] for entry in answer["Failed"]] == ["ResourceNotFoundException", "InvalidArgumentException"]
    assert [entry["ReceiptHandle"] for entry in answer["Successful"]] == [second["ReceiptHandle"]]


def test_visibility_can_be_shortened_and_prolonged(turned: Account) -> None:
    queue = _made(turned)
    put(turned, "s", b"x")
    (record,) = _received(turned, queue, VisibilityTimeoutSeconds=100)
    entry = {"ReceiptHandle": record["ReceiptHandle"], "VisibilityTimeoutSeconds": 0}
    assert not turned.kinesis.update_queue_records_visibility(QueueARN=queue, Entries=[entry])["Failed"]
    (record,) = _received(turned, queue)
    entry = {"ReceiptHandle": record["ReceiptHandle"], "VisibilityTimeoutSeconds": 300}
    turned.kinesis.update_queue_records_visibility(QueueARN=queue, Entries=[entry])
    turned.node.advance(290)
    assert _received(turned, queue) == []
    turned.node.advance(15)
    assert len(_received(turned, queue)) == 1


def test_a_record_that_is_received_too_often_is_a_dead_letter_until_it_is_restored(turned: Account) -> None:
    queue = _made(turned, VisibilityTimeoutSeconds=10, DeadLetterConfiguration={"TargetType": "BUILT_IN", "MaxReceiveCount": 2})
    put(turned, "s", b"poison")
    for _ in range(2):
        assert len(_received(turned, queue)) == 1
        turned.node.advance(11)
    assert _received(turned, queue) == []
    (dead,) = turned.kinesis.receive_dead_letter_queue_records(QueueARN=queue, WaitTimeSeconds=1)["QueueRecords"]
    assert dead["Data"] == b"poison"
    restored = turned.kinesis.restore_dead_letter_queue_records(QueueARN=queue, Entries=[{"ReceiptHandle": dead["ReceiptHandle"]}])
    assert len(restored["Successful"]) == 1
    (again,) = _received(turned, queue)
    assert again["ReceiveCount"] == 1
    for _ in range(2):
        turned.node.advance(11)
        _received(turned, queue)
    (dead,) = turned.kinesis.receive_dead_letter_queue_records(QueueARN=queue, WaitTimeSeconds=1)["QueueRecords"]
    turned.kinesis.acknowledge_dead_letter_queue_records(QueueARN=queue, Entries=[{"ReceiptHandle": dead["ReceiptHandle"]}])
    turned.node.advance(60)
    assert turned.kinesis.receive_dead_letter_queue_records(QueueARN=queue, WaitTimeSeconds=1)["QueueRecords"] == []


def test_a_receive_waits_for_a_record(aws: Account) -> None:
    queue = _made(aws)
    writer = threading.Timer(0.3, lambda: put(aws, "s", b"late"))
    writer.start()
    assert _payloads(_received(aws, queue, WaitTimeSeconds=20)) == [b"late"]
    writer.join()


def test_a_queue_begins_where_it_says_and_forgets_what_the_stream_forgets(turned: Account) -> None:
    turned.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    put(turned, "s", b"old")
    latest, everything = _queue(turned, "latest"), _queue(turned, "all", "TRIM_HORIZON")
    assert _received(turned, latest) == []
    assert _payloads(_received(turned, everything)) == [b"old"]
    turned.node.advance(25 * 3600)
    assert _received(turned, everything) == []


def test_a_queues_policy_lets_another_account_receive(aws: Account) -> None:
    queue, other = _made(aws), aws.node.fresh_account()
    put(aws, "s", b"x")
    with pytest.raises(ClientError) as error:
        _received(other, queue)
    assert refusal(error)[0] == "AccessDeniedException"
    statement = {"Effect": "Allow", "Principal": {"AWS": other.id}, "Action": "kinesis:ReceiveQueueRecords", "Resource": queue}
    aws.kinesis.put_resource_policy(ResourceARN=queue, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert _payloads(_received(other, queue)) == [b"x"]
