"""FIFO queues: order by group, and each message once.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fifo-queues.html
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.sqs.conftest import NewQueue
from tests.services.sqs.messages import bodies, counts, delete, hide, receive, refused, send


@pytest.fixture
def fifo(new_queue: NewQueue) -> str:
    return new_queue.fifo(ContentBasedDeduplication="true")


def test_messages_of_a_group_come_in_order_and_numbered(aws: Account, fifo: str) -> None:
    numbers = [aws.sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g")["SequenceNumber"] for body in "abc"]
    assert all(len(number) == 20 and number.isdigit() for number in numbers)
    assert numbers == sorted(numbers)
    messages = receive(aws, fifo, AttributeNames=["All"])
    assert [message["Body"] for message in messages] == ["a", "b", "c"]
    assert [message["Attributes"]["SequenceNumber"] for message in messages] == numbers
    assert messages[0]["Attributes"]["MessageGroupId"] == "g"


def test_a_group_waits_while_one_of_its_messages_is_out_and_others_do_not(aws: Account, fifo: str) -> None:
    for group in "xy":
        for body in "ab":
            send(aws, fifo, group + body, MessageGroupId=group)
    first = receive(aws, fifo, 1)
    assert [message["Body"] for message in first] == ["xa"]
    assert bodies(aws, fifo, 10) == ["ya", "yb"]
    assert bodies(aws, fifo) == []
    delete(aws, fifo, first[0])
    assert bodies(aws, fifo) == ["xb"]


def test_a_receive_takes_as_many_as_it_can_of_one_group_first(aws: Account, fifo: str) -> None:
    for body in ("x1", "y1", "x2", "y2", "x3"):
        send(aws, fifo, body, MessageGroupId=body[0])
    assert bodies(aws, fifo, 4) == ["x1", "x2", "x3", "y1"]


@pytest.mark.parametrize(
    ("seconds", "next_ones"),
    [((0, 0, 0), ["a", "b", "c"]), ((0, 9, 0), ["a"]), ((0, 0, 9), ["a", "b"]), ((0, 9, 9), ["a"]), ((9, 0, 0), []), ((9, 9, 9), [])],
)
def test_a_group_goes_on_from_its_first_message_up_to_one_that_is_hidden(
    aws: Account, fifo: str, seconds: tuple[int, ...], next_ones: list[str]
) -> None:
    send(aws, fifo, "a", "b", "c", MessageGroupId="g")
    for message, hidden in zip(receive(aws, fifo), seconds, strict=True):
        hide(aws, fifo, message, hidden)
    assert bodies(aws, fifo) == next_ones


def test_the_same_content_is_sent_once_in_five_minutes(turned: Account, turned_queue: NewQueue) -> None:
    fifo = turned_queue.fifo(ContentBasedDeduplication="true")
    first = turned.sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    (message,) = receive(turned, fifo)
    delete(turned, fifo, message)
    turned.node.advance(290)
    again = turned.sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="other")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert counts(turned, fifo) == (0, 0, 0)
    turned.node.advance(11)
    third = turned.sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    assert third["MessageId"] != first["MessageId"]
    assert bodies(turned, fifo) == ["x"]


def test_a_deduplication_id_counts_more_than_the_content(aws: Account, fifo: str) -> None:
    send(aws, fifo, "x", MessageGroupId="g", MessageDeduplicationId="1")
    send(aws, fifo, "y", MessageGroupId="g", MessageDeduplicationId="1")
    send(aws, fifo, "x", MessageGroupId="g", MessageDeduplicationId="2")
    assert bodies(aws, fifo) == ["x", "x"]


def test_with_high_throughput_each_group_deduplicates_for_itself(aws: Account, new_queue: NewQueue) -> None:
    fifo = new_queue.fifo(DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    for group in ("x", "y", "x"):
        send(aws, fifo, group, MessageGroupId=group, MessageDeduplicationId="1")
    assert bodies(aws, fifo) == ["x", "y"]


def test_what_was_sent_before_deduplication_went_by_group_counts_for_all_groups(aws: Account, new_queue: NewQueue) -> None:
    fifo = new_queue.fifo()
    send(aws, fifo, "a", MessageGroupId="x", MessageDeduplicationId="1")
    aws.sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DeduplicationScope": "messageGroup"})
    send(aws, fifo, "b", MessageGroupId="y", MessageDeduplicationId="1")
    assert bodies(aws, fifo) == ["a"]


def test_a_purge_does_not_forget_what_was_sent(aws: Account, fifo: str) -> None:
    send(aws, fifo, "x", "y", MessageGroupId="g")
    aws.sqs.purge_queue(QueueUrl=fifo)
    send(aws, fifo, "x", "z", MessageGroupId="g")
    assert bodies(aws, fifo) == ["z"]


def test_what_a_fifo_queue_needs_and_cannot_do(aws: Account, new_queue: NewQueue) -> None:
    fifo = new_queue.fifo()
    with refused("MissingParameter", "The request must contain the parameter MessageGroupId."):
        send(aws, fifo, "x", MessageDeduplicationId="1")
    with refused("InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"):
        send(aws, fifo, "x", MessageGroupId="g")
    with refused("InvalidParameterValue", "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid"):
        send(aws, fifo, "x", MessageGroupId="g", MessageDeduplicationId="1", DelaySeconds=2)
    for group in ("", "a b", "é", "x" * 129):
        with refused("InvalidParameterValue", f"Value {group} for parameter MessageGroupId is invalid."):
            send(aws, fifo, "x", MessageGroupId=group, MessageDeduplicationId="1")
    with refused("InvalidParameterValue", "Value a b for parameter MessageDeduplicationId is invalid."):
        send(aws, fifo, "x", MessageGroupId="g", MessageDeduplicationId="a b")


def test_only_the_latest_handle_in_its_time_deletes_or_hides(turned: Account, turned_queue: NewQueue) -> None:
    fifo = turned_queue.fifo(ContentBasedDeduplication="true", VisibilityTimeout=10)
    send(turned, fifo, "x", MessageGroupId="g")
    (early,) = receive(turned, fifo)
    turned.node.advance(11)
    with refused("InvalidParameterValue", f"Value {early['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: The receipt handle has"):
        delete(turned, fifo, early)
    with refused("InvalidParameterValue", "Reason: Message does not exist or is not available for visibility timeout change."):
        hide(turned, fifo, early, 10)
    (late,) = receive(turned, fifo)
    with refused("InvalidParameterValue", "Reason: The receipt handle has expired."):
        delete(turned, fifo, early)
    hide(turned, fifo, late, 60)
    turned.node.advance(30)
    delete(turned, fifo, late)
    delete(turned, fifo, late)
    assert counts(turned, fifo) == (0, 0, 0)


def test_an_attempt_that_is_repeated_receives_the_same(turned: Account, turned_queue: NewQueue) -> None:
    fifo = turned_queue.fifo(ContentBasedDeduplication="true", VisibilityTimeout=30)
    send(turned, fifo, "a", "b", "c", MessageGroupId="g")
    first = receive(turned, fifo, 2, ReceiveRequestAttemptId="try", AttributeNames=["ApproximateReceiveCount"])
    turned.node.advance(20)
    assert receive(turned, fifo, 2, ReceiveRequestAttemptId="try", AttributeNames=["ApproximateReceiveCount"]) == first
    turned.node.advance(20)
    assert receive(turned, fifo, 2) == []  # the repetition has hidden them anew
    delete(turned, fifo, first[0])
    assert receive(turned, fifo, 2, ReceiveRequestAttemptId="try") == []
    turned.node.advance(20)
    assert bodies(turned, fifo, 2, ReceiveRequestAttemptId="try") == ["b", "c"]


def test_a_new_delay_holds_for_messages_that_wait(turned: Account, turned_queue: NewQueue) -> None:
    turned.node.turn_clock({"do": "freeze"})
    fifo = turned_queue.fifo(ContentBasedDeduplication="true", DelaySeconds=60)
    send(turned, fifo, "x", MessageGroupId="g")
    turned.node.advance(10)
    assert counts(turned, fifo) == (0, 0, 1)
    turned.sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "20"})
    turned.node.advance(10)
    assert bodies(turned, fifo) == ["x"]


def test_an_expired_message_holds_its_group_up_no_longer(turned: Account, turned_queue: NewQueue) -> None:
    fifo = turned_queue.fifo(ContentBasedDeduplication="true", MessageRetentionPeriod=60, VisibilityTimeout=10)
    send(turned, fifo, "old", MessageGroupId="g")
    turned.node.advance(40)
    send(turned, fifo, "new", MessageGroupId="g")
    turned.node.advance(30)
    assert bodies(turned, fifo) == ["new"]
    turned.node.advance(60)
    assert bodies(turned, fifo) == []
    send(turned, fifo, "last", MessageGroupId="g")
    assert bodies(turned, fifo) == ["last"]


def test_batches_keep_their_order_and_repeat_nothing(aws: Account, fifo: str) -> None:
    entries = [{"Id": str(number), "MessageBody": body, "MessageGroupId": "g"} for number, body in enumerate(["a", "b", "a", "c"])]
    answer = aws.sqs.send_message_batch(QueueUrl=fifo, Entries=entries)
    ids = [entry["MessageId"] for entry in answer["Successful"]]
    assert ids[0] == ids[2]
    messages = receive(aws, fifo)
    assert [message["Body"] for message in messages] == ["a", "b", "c"]
    batch = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)]
    assert len(aws.sqs.delete_message_batch(QueueUrl=fifo, Entries=batch)["Successful"]) == 3
    assert counts(aws, fifo) == (0, 0, 0)
    with refused("MissingParameter", "The request must contain the parameter MessageGroupId."):
        aws.sqs.send_message_batch(QueueUrl=fifo, Entries=[{"Id": "1", "MessageBody": "x"}])


def test_three_hundred_calls_a_second_and_no_more(start_node: Callable[..., RunningNode]) -> None:
    """The clock stands still, and so does the second."""
    aws = start_node(env={"TULE_THROTTLING": "on"}, clock="frozen").fresh_account()
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    plain = aws.sqs.create_queue(QueueName="plain.fifo", Attributes=attributes)["QueueUrl"]
    fast = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    high = aws.sqs.create_queue(QueueName="high.fifo", Attributes={**attributes, **fast})["QueueUrl"]
    for number in range(300):
        for queue in (plain, high):
            aws.sqs.send_message(QueueUrl=queue, MessageBody=str(number), MessageGroupId="g")
    for queue in (plain, high):
        with pytest.raises(ClientError) as error:
            aws.sqs.send_message(QueueUrl=queue, MessageBody="more", MessageGroupId="g")
        assert error.value.response["Error"]["Code"] == "RequestThrottled"
    with pytest.raises(ClientError):
        aws.sqs.send_message(QueueUrl=plain, MessageBody="more", MessageGroupId="another")
    aws.sqs.send_message(QueueUrl=high, MessageBody="more", MessageGroupId="another")
    assert receive(aws, plain), "each kind of call is counted for itself"
    aws.node.advance(1)
    aws.sqs.send_message(QueueUrl=plain, MessageBody="more", MessageGroupId="g")
