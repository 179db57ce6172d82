"""What is received too often goes to the dead letters, and comes back by a task.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.sqs.conftest import NewQueue, arn_of
from tests.services.sqs.messages import bodies, counts, receive, refused, send


def test_a_message_that_fails_three_times_lands_in_the_dead_letter_queue(turned: Account, turned_queue: NewQueue) -> None:
    queue, dead = turned_queue.with_dead_letters(3, VisibilityTimeout=30)
    sent = turned.sqs.send_message(QueueUrl=queue, MessageBody="poison")
    send(turned, queue, "good", DelaySeconds=100)
    for _ in range(3):
        assert bodies(turned, queue) == ["poison"]
        turned.node.advance(31)
    assert counts(turned, queue) == (1, 0, 1)
    assert bodies(turned, queue) == []
    assert counts(turned, queue) == (0, 0, 1)
    (message,) = receive(turned, dead, AttributeNames=["All"])
    assert (message["Body"], message["MessageId"]) == ("poison", sent["MessageId"])
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(turned, queue)
    assert message["Attributes"]["ApproximateReceiveCount"] == "4"


def test_others_are_received_in_place_of_those_that_die(aws: Account, new_queue: NewQueue) -> None:
    queue, dead = new_queue.with_dead_letters(1, VisibilityTimeout=0)
    send(aws, queue, "a", "b")
    assert bodies(aws, queue) == ["a", "b"]
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "30"})
    send(aws, queue, "c", "d")
    assert bodies(aws, queue, 2) == ["c", "d"]
    assert bodies(aws, dead) == ["a", "b"]


def test_without_its_dead_letter_queue_a_queue_keeps_its_messages(aws: Account, new_queue: NewQueue) -> None:
    queue, dead = new_queue.with_dead_letters(1, VisibilityTimeout=0)
    send(aws, queue, "x")
    aws.sqs.delete_queue(QueueUrl=dead)
    assert [bodies(aws, queue) for _ in range(3)] == [["x"]] * 3


def test_a_fifo_queue_lets_its_failures_go_and_the_group_goes_on(aws: Account, new_queue: NewQueue) -> None:
    queue, dead = new_queue.with_dead_letters(2, fifo=True, ContentBasedDeduplication="true", VisibilityTimeout=0)
    send(aws, queue, "a", "b", MessageGroupId="g")
    assert [bodies(aws, queue, 1) for _ in range(2)] == [["a"], ["a"]]
    assert bodies(aws, queue, 1) == ["b"]
    (message,) = receive(aws, dead, AttributeNames=["All"])
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("a", "g")
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(aws, queue)


def test_an_allow_policy_says_who_may_use_a_dead_letter_queue(aws: Account, new_queue: NewQueue) -> None:
    first, second, dead = new_queue(), new_queue(), new_queue()
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(aws, dead), "maxReceiveCount": 1})}

    def allow(**policy: Any) -> None:
        aws.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(policy)})

    allow(redrivePermission="byQueue", sourceQueueArns=[arn_of(aws, first)])
    aws.sqs.set_queue_attributes(QueueUrl=first, Attributes=redrive)
    with refused("InvalidParameterValue", "for parameter RedrivePolicy is invalid."):
        aws.sqs.set_queue_attributes(QueueUrl=second, Attributes=redrive)
    allow(redrivePermission="denyAll")
    with refused("InvalidParameterValue"):
        aws.sqs.set_queue_attributes(QueueUrl=second, Attributes=redrive)
    allow(redrivePermission="allowAll")
    aws.sqs.set_queue_attributes(QueueUrl=second, Attributes=redrive)
    for policy in ({"redrivePermission": "some"}, {"redrivePermission": "byQueue"}, {"redrivePermission": "allowAll", "sourceQueueArns": ["x"]}):
        with refused("InvalidParameterValue", "for parameter RedriveAllowPolicy is invalid."):
            allow(**policy)


def test_a_dead_letter_queue_knows_its_sources(aws: Account, new_queue: NewQueue) -> None:
    dead = new_queue()
    assert aws.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []
    policy = {"deadLetterTargetArn": arn_of(aws, dead), "maxReceiveCount": 1}
    urls = [new_queue(f"source-{number}", RedrivePolicy=policy) for number in range(3)]
    assert aws.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == urls
    first = aws.sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2)
    second = aws.sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2, NextToken=first["NextToken"])
    assert first["queueUrls"] + second["queueUrls"] == urls


def _with_dead_messages(account: Account, new_queue: NewQueue, count: int) -> tuple[str, str]:
    queue, dead = new_queue.with_dead_letters(1, VisibilityTimeout=0)
    send(account, queue, *map(str, range(count)))
    assert len(receive(account, queue)) == count
    assert receive(account, queue) == []
    return queue, dead


def test_dead_letters_go_back_where_they_came_from_as_new_messages(turned: Account, turned_queue: NewQueue) -> None:
    queue, dead = _with_dead_messages(turned, turned_queue, 3)
    (before,) = receive(turned, dead, 1, VisibilityTimeout=0)
    handle = turned.sqs.start_message_move_task(SourceArn=arn_of(turned, dead))["TaskHandle"]
    turned.node.advance(1)
    (task,) = turned.sqs.list_message_move_tasks(SourceArn=arn_of(turned, dead))["Results"]
    assert isinstance(task.pop("StartedTimestamp"), int)
    assert task == {
        "Status": "COMPLETED",
        "SourceArn": arn_of(turned, dead),
        "ApproximateNumberOfMessagesMoved": 3,
        "ApproximateNumberOfMessagesToMove": 3,
    }
    assert counts(turned, dead) == (0, 0, 0)
    moved = receive(turned, queue, AttributeNames=["All"])
    assert sorted(message["Body"] for message in moved) == ["0", "1", "2"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in moved} == {"1"}
    assert before["MessageId"] not in {message["MessageId"] for message in moved}
    assert all("DeadLetterQueueSourceArn" not in message["Attributes"] for message in moved)
    with refused("InvalidParameterValue", "Only active tasks can be cancelled."):
        turned.sqs.cancel_message_move_task(TaskHandle=handle)


def test_a_task_keeps_to_its_rate_and_can_be_cancelled(turned: Account, turned_queue: NewQueue) -> None:
    turned.node.turn_clock({"do": "freeze"})
    _, dead = _with_dead_messages(turned, turned_queue, 9)
    other, source = turned_queue(), arn_of(turned, dead)
    started = turned.sqs.start_message_move_task(SourceArn=source, DestinationArn=arn_of(turned, other), MaxNumberOfMessagesPerSecond=2)
    turned.node.advance(2)
    assert counts(turned, other) == (6, 0, 0)
    with refused("InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time."):
        turned.sqs.start_message_move_task(SourceArn=source)
    (task,) = turned.sqs.list_message_move_tasks(SourceArn=source)["Results"]
    assert (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", started["TaskHandle"], 2)
    assert turned.sqs.cancel_message_move_task(TaskHandle=started["TaskHandle"])["ApproximateNumberOfMessagesMoved"] == 6
    turned.node.advance(10)
    assert counts(turned, other) == (6, 0, 0)
    assert turned.sqs.list_message_move_tasks(SourceArn=source)["Results"][0]["Status"] == "CANCELLED"


def test_a_task_fails_where_its_messages_cannot_go(turned: Account, turned_queue: NewQueue) -> None:
    turned.node.turn_clock({"do": "freeze"})
    _, dead = _with_dead_messages(turned, turned_queue, 5)
    other, source = turned_queue(), arn_of(turned, dead)
    turned.sqs.start_message_move_task(SourceArn=source, DestinationArn=arn_of(turned, other), MaxNumberOfMessagesPerSecond=1)
    turned.node.advance(1)
    turned.sqs.delete_queue(QueueUrl=other)
    turned.node.advance(5)
    (task,) = turned.sqs.list_message_move_tasks(SourceArn=source)["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (2, 5)
    send(turned, dead, "by hand")
    turned.sqs.start_message_move_task(SourceArn=source)
    turned.node.advance(1)
    latest = turned.sqs.list_message_move_tasks(SourceArn=source, MaxResults=10)["Results"]
    assert (latest[0]["Status"], latest[0]["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert len(latest) == 2


def test_tasks_of_fifo_queues_keep_the_order(turned: Account, turned_queue: NewQueue) -> None:
    queue, dead = turned_queue.with_dead_letters(1, fifo=True, ContentBasedDeduplication="true", VisibilityTimeout=0)
    send(turned, queue, "a", "b", "c", MessageGroupId="g")
    assert bodies(turned, queue) == ["a", "b", "c"]
    assert bodies(turned, queue) == []
    turned.sqs.start_message_move_task(SourceArn=arn_of(turned, dead))
    turned.node.advance(1)
    assert bodies(turned, queue) == ["a", "b", "c"]


def test_what_tasks_need(aws: Account, new_queue: NewQueue) -> None:
    queue, dead = new_queue.with_dead_letters(1)
    with refused("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."):
        aws.sqs.start_message_move_task(SourceArn=arn_of(aws, queue))
    with refused("ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.") as refusal:
        aws.sqs.start_message_move_task(SourceArn=arn_of(aws, dead), DestinationArn=arn_of(aws, dead) + "-absent")
    assert refusal.status == 404
    with refused("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."):
        aws.sqs.start_message_move_task(SourceArn=arn_of(aws, dead) + "-absent")
    with refused("InvalidParameterValue", "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid."):
        aws.sqs.start_message_move_task(SourceArn=arn_of(aws, dead), MaxNumberOfMessagesPerSecond=501)
    with refused("InvalidParameterValue", "Value for parameter TaskHandle is invalid."):
        aws.sqs.cancel_message_move_task(TaskHandle="nonsense")
    assert "Results" not in aws.sqs.list_message_move_tasks(SourceArn=arn_of(aws, dead))
