"""Queues: made, found, changed, purged, ended."""

from __future__ import annotations

import json

import pytest

from tests.node import Account
from tests.services.sqs.conftest import NewQueue, arn_of
from tests.services.sqs.messages import attributes, bodies, counts, receive, refused, send


def test_a_queue_has_awss_defaults(aws: Account, queue: str) -> None:
    shown = attributes(aws, queue)
    for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
        assert shown.pop(name).isdigit()
    assert shown == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{aws.id}:{queue.rpartition('/')[2]}",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }


def test_a_fifo_queue_says_how_it_deduplicates(aws: Account, new_queue: NewQueue) -> None:
    shown = attributes(aws, new_queue.fifo())
    assert shown["FifoQueue"] == "true"
    assert (shown["ContentBasedDeduplication"], shown["DeduplicationScope"], shown["FifoThroughputLimit"]) == ("false", "queue", "perQueue")


def test_its_url_is_found_by_its_name(aws: Account, queue: str) -> None:
    assert aws.sqs.get_queue_url(QueueName=queue.rpartition("/")[2])["QueueUrl"] == queue
    with refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."):
        aws.sqs.get_queue_url(QueueName="absent")


def test_the_same_queue_may_be_made_again_but_not_another_of_its_name(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue("twice", VisibilityTimeout=40)
    assert new_queue("twice", VisibilityTimeout=40) == url
    assert new_queue("twice") == url
    with refused("QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute VisibilityTimeout"):
        new_queue("twice", VisibilityTimeout=41)


@pytest.mark.parametrize("name", ["no spaces", "a" * 81, "dots.are.not", "é", "std.fifo"])
def test_names_are_checked(aws: Account, name: str) -> None:
    with refused("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"):
        aws.sqs.create_queue(QueueName=name)


def test_the_name_of_a_fifo_queue_ends_with_fifo(aws: Account) -> None:
    with refused("InvalidParameterValue", "must end with .fifo suffix"):
        aws.sqs.create_queue(QueueName="plain", Attributes={"FifoQueue": "true"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VisibilityTimeout", "43201"), ("VisibilityTimeout", "-1"), ("VisibilityTimeout", "x"), ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"), ("MaximumMessageSize", "1048577"), ("MessageRetentionPeriod", "59"), ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"), ("Policy", "{"), ("SqsManagedSseEnabled", "yes"),
    ],
)  # fmt: skip
def test_values_of_attributes_are_checked(aws: Account, queue: str, name: str, value: str) -> None:
    with refused("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
        aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})


@pytest.mark.parametrize("name", ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "QueueArn", "Colour"])
def test_attributes_that_a_standard_queue_has_not_are_unknown(aws: Account, queue: str, name: str) -> None:
    with refused("InvalidAttributeName", f"Unknown Attribute {name}."):
        aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: "false"})


def test_only_attributes_that_are_asked_for_are_shown(aws: Account, queue: str) -> None:
    shown = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DelaySeconds", "Policy"])["Attributes"]
    assert shown == {"DelaySeconds": "0"}
    assert "Attributes" not in aws.sqs.get_queue_attributes(QueueUrl=queue)
    assert "Attributes" not in aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])
    with refused("InvalidAttributeName", "Unknown Attribute Colour."):
        aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Colour"])


def test_a_key_of_kms_puts_an_end_to_sqss_own_encryption(aws: Account, queue: str) -> None:
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "alias/mine"})
    shown = attributes(aws, queue)
    assert (shown["KmsMasterKeyId"], shown["KmsDataKeyReusePeriodSeconds"], shown["SqsManagedSseEnabled"]) == ("alias/mine", "300", "false")
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"SqsManagedSseEnabled": "true"})
    shown = attributes(aws, queue)
    assert shown["SqsManagedSseEnabled"] == "true"
    assert "KmsMasterKeyId" not in shown
    with refused("InvalidAttributeValue", "You can use one type of server-side encryption (SSE) at one time."):
        aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/mine"})


def test_an_empty_value_clears_an_attribute_or_sets_its_default(aws: Account, new_queue: NewQueue) -> None:
    queue, _ = new_queue.with_dead_letters(3, DelaySeconds=5)
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": "", "DelaySeconds": ""})
    shown = attributes(aws, queue)
    assert "RedrivePolicy" not in shown
    assert shown["DelaySeconds"] == "0"


def test_throughput_by_group_needs_deduplication_by_group(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue.fifo()
    with refused("InvalidAttributeValue", "allowed only when the value for DeduplicationScope is messageGroup"):
        aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoThroughputLimit": "perMessageGroupId"})


def test_queues_are_listed_by_name_in_pages(aws: Account, new_queue: NewQueue) -> None:
    assert "QueueUrls" not in aws.sqs.list_queues()
    urls = [new_queue(f"list-{number}") for number in range(5)]
    new_queue("other")
    first = aws.sqs.list_queues(QueueNamePrefix="list-", MaxResults=3)
    second = aws.sqs.list_queues(QueueNamePrefix="list-", MaxResults=3, NextToken=first["NextToken"])
    assert first["QueueUrls"] + second["QueueUrls"] == urls
    assert "NextToken" not in second
    assert "NextToken" not in aws.sqs.list_queues()
    with refused("InvalidParameterValue", "Invalid or expired next token."):
        aws.sqs.list_queues(QueueNamePrefix="list", MaxResults=3, NextToken=first["NextToken"])
    with refused("InvalidParameterValue", "Value 1001 for parameter MaxResults is invalid."):
        aws.sqs.list_queues(MaxResults=1001)


def test_other_regions_have_other_queues(aws: Account, new_queue: NewQueue) -> None:
    new_queue("regional")
    west = aws.client("sqs", region_name="us-west-2")
    assert "QueueUrls" not in west.list_queues()
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        west.get_queue_url(QueueName="regional")


def test_a_deleted_queue_is_gone_and_its_name_is_not_free_for_a_minute(turned: Account, turned_queue: NewQueue) -> None:
    url = turned_queue("short-lived")
    send(turned, url, "x")
    turned.sqs.delete_queue(QueueUrl=url)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        turned.sqs.send_message(QueueUrl=url, MessageBody="x")
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        turned.sqs.delete_queue(QueueUrl=url)
    with refused("AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue"):
        turned_queue("short-lived")
    turned.node.advance(60)
    assert turned_queue("short-lived") == url
    assert counts(turned, url) == (0, 0, 0)


def test_a_purge_empties_a_queue_once_a_minute(turned: Account, turned_queue: NewQueue) -> None:
    url = turned_queue()
    send(turned, url, "a", "b", "c")
    (taken,) = receive(turned, url, 1)
    turned.sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=10)
    turned.sqs.purge_queue(QueueUrl=url)
    assert counts(turned, url) == (0, 0, 0)
    turned.sqs.delete_message(QueueUrl=url, ReceiptHandle=taken["ReceiptHandle"])
    name = url.rpartition("/")[2]
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress", f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."):
        turned.sqs.purge_queue(QueueUrl=url)
    send(turned, url, "new")
    turned.node.advance(60)
    assert bodies(turned, url) == ["new"]
    turned.sqs.purge_queue(QueueUrl=url)


def test_tags_come_and_go(aws: Account, queue: str) -> None:
    assert "Tags" not in aws.sqs.list_queue_tags(QueueUrl=queue)
    aws.sqs.tag_queue(QueueUrl=queue, Tags={"a": "1", "b": ""})
    aws.sqs.tag_queue(QueueUrl=queue, Tags={"a": "2"})
    assert aws.sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"a": "2", "b": ""}
    aws.sqs.untag_queue(QueueUrl=queue, TagKeys=["a", "absent"])
    assert aws.sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"b": ""}
    with refused("InvalidParameterValue", "Too many tags"):
        aws.sqs.tag_queue(QueueUrl=queue, Tags={str(number): "x" for number in range(50)})


def test_a_queue_is_made_with_its_tags(aws: Account) -> None:
    url = aws.sqs.create_queue(QueueName="tagged", tags={"team": "red"})["QueueUrl"]
    assert aws.sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "red"}


def test_a_redrive_policy_needs_a_queue_of_the_same_kind(aws: Account, new_queue: NewQueue) -> None:
    def of(target: str, count: object = 3) -> dict[str, str]:
        return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": count})}

    queue, dead, ordered = new_queue(), new_queue(), new_queue.fifo()
    for target, count, reason in (
        (arn_of(aws, dead) + "-absent", 3, "Dead letter target does not exist."),
        (arn_of(aws, ordered), 3, "Dead-letter queue must be same type of queue as the source."),
        (arn_of(aws, dead), 0, "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."),
        ("arn:aws:sqs:us-east-1:999999999999:x", 3, "Dead letter target owner should be same as the source."),
    ):
        with refused("InvalidParameterValue", reason):
            aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes=of(target, count))
    with refused("InvalidParameterValue", "Redrive policy is not a valid JSON map."):
        aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": "no"})
    with refused("InvalidParameterValue", "Redrive policy does not contain mandatory attribute: maxReceiveCount."):
        aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(aws, dead)})})
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes=of(arn_of(aws, dead), "7"))
    assert json.loads(attributes(aws, queue)["RedrivePolicy"]) == {"deadLetterTargetArn": arn_of(aws, dead), "maxReceiveCount": 7}
