"""Messages of standard queues: sent, received, hidden, deleted."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.node import Account
from tests.services.sqs.conftest import NewQueue
from tests.services.sqs.messages import bodies, counts, delete, hide, receive, refused, send

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def text(value: str, kind: str = "String") -> dict[str, Any]:
    return {"DataType": kind, "StringValue": value}


def test_a_message_comes_as_it_was_sent(aws: Account, queue: str) -> None:
    sent = aws.sqs.send_message(QueueUrl=queue, MessageBody="hello")
    (message,) = receive(aws, queue)
    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert message["MessageId"] == sent["MessageId"]
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert "SequenceNumber" not in sent


@pytest.mark.parametrize("body", ["é", "\U0001f600", "a" * 5000, "\t\n\r", "x" * 1_048_576, "é" * 3000])
def test_bodies_of_all_sizes_and_alphabets_come_through(aws: Account, queue: str, body: str) -> None:
    send(aws, queue, body)
    (message,) = receive(aws, queue)
    assert message["Body"] == body
    delete(aws, queue, message)
    assert counts(aws, queue) == (0, 0, 0)


def test_what_is_too_long_or_cannot_be_written_in_xml_is_refused(aws: Account, new_queue: NewQueue) -> None:
    small = new_queue(MaximumMessageSize=1024)
    send(aws, small, "x" * 1024)
    with refused("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."):
        send(aws, small, "x" * 1025)
    with refused("InvalidParameterValue", "Message must be shorter than 1024 bytes."):
        send(aws, small, "x" * 1020, MessageAttributes={"a": text("b")})
    for character in ("\x00", "\x1f", "\ufffe"):
        with refused("InvalidMessageContents"):
            send(aws, small, "a" + character)
    with refused("MissingParameter", "The request must contain the parameter MessageBody."):
        send(aws, small, "")


def test_attributes_come_with_the_digest_of_what_is_shown(aws: Account, new_queue: NewQueue) -> None:
    queue = new_queue(VisibilityTimeout=0)
    values = {"Hello": text("There"), "Help.Me": text("Me"), "General": text("Kenobi")}
    sent = aws.sqs.send_message(QueueUrl=queue, MessageBody="msg", MessageAttributes=values)
    assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"

    def shown(*names: str) -> tuple[dict[str, Any], str | None]:
        (message,) = receive(aws, queue, MessageAttributeNames=list(names))
        return message.get("MessageAttributes", {}), message.get("MD5OfMessageAttributes")

    everything = (values, "4c360f3fdafd970e05fae2f149d997f5")
    assert shown("All") == shown(".*") == shown("*") == everything
    assert shown("Hello", "absent") == ({"Hello": values["Hello"]}, "a311262e065454b75da111d535b8dacd")
    assert shown("Hel.*") == ({"Hello": values["Hello"], "Help.Me": values["Help.Me"]}, "83fee93c1bcd8b9a5a923ffacdc636c7")
    assert shown("absent", "AWS.") == shown() == ({}, None)


def test_binary_and_number_attributes_keep_their_kind(aws: Account, queue: str) -> None:
    values = {"raw": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff"}, "n": text("-1.5e3", "Number.float")}
    send(aws, queue, "x", MessageAttributes=values)
    (message,) = receive(aws, queue, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == values


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", text(""), "Message (user) attribute 'x' must contain a non-empty value of type 'String'."),
        ("x", text("one", "Number"), "Can't cast the value of message (user) attribute 'x' to a number."),
        ("x", text("a", "Colour"), "The message (user) attribute 'x' has an invalid message attribute type"),
        ("x", text("a", ""), "The message (user) attribute 'x' must contain a non-empty message attribute type."),
        ("AWS.x", text("a"), "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'."),
        ("a b", text("a"), "Message (user) attribute name 'a b' is invalid"),
        ("x" * 257, text("a"), "Message (user) attribute names must be shorter than 256 Bytes"),
        ("x", {"DataType": "Binary", "StringValue": "a"}, "with type 'Binary' must use field 'Binary'"),
    ],
)  # fmt: skip
def test_attributes_are_checked(aws: Account, queue: str, name: str, value: dict[str, Any], message: str) -> None:
    with refused("InvalidParameterValue", message):
        send(aws, queue, "x", MessageAttributes={name: value})


def test_ten_attributes_are_enough(aws: Account, queue: str) -> None:
    with refused("InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."):
        send(aws, queue, "x", MessageAttributes={f"a{number}": text("b") for number in range(11)})


def test_system_attributes_say_who_when_and_how_often(turned: Account, turned_queue: NewQueue) -> None:
    turned.node.turn_clock({"do": "freeze"})
    queue = turned_queue(VisibilityTimeout=5)
    send(turned, queue, "x", MessageSystemAttributes={"AWSTraceHeader": text(TRACE)}, MessageGroupId="tenant")
    (first,) = receive(turned, queue, AttributeNames=["All"])
    turned.node.advance(6)
    (second,) = receive(turned, queue, MessageSystemAttributeNames=["All"])
    sent_ms = int(first["Attributes"]["SentTimestamp"])
    assert first["Attributes"] == {
        "SenderId": turned.id,
        "SentTimestamp": str(sent_ms),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(sent_ms),
        "AWSTraceHeader": TRACE,
        "MessageGroupId": "tenant",
    }
    assert second["Attributes"] == {**first["Attributes"], "ApproximateReceiveCount": "2"}
    turned.node.advance(6)
    (third,) = receive(turned, queue, MessageSystemAttributeNames=["SenderId"], AttributeNames=["SentTimestamp"])
    assert third["Attributes"] == {"SenderId": turned.id, "SentTimestamp": str(sent_ms)}
    with refused("InvalidAttributeName", "Unknown Attribute Colour."):
        receive(turned, queue, AttributeNames=["Colour"])


def test_the_digest_of_system_attributes_is_their_own(aws: Account, queue: str) -> None:
    sent = aws.sqs.send_message(QueueUrl=queue, MessageBody="x", MessageSystemAttributes={"AWSTraceHeader": text(TRACE)})
    assert len(sent["MD5OfMessageSystemAttributes"]) == 32
    assert "MD5OfMessageAttributes" not in sent
    with refused("InvalidParameterValue"):
        aws.sqs.send_message(QueueUrl=queue, MessageBody="x", MessageSystemAttributes={"Other": text("x")})


def test_the_trace_of_a_call_goes_with_its_message(aws: Account, queue: str) -> None:
    traced = aws.client("sqs")
    traced.meta.events.register("before-sign.sqs.SendMessage", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", TRACE))
    traced.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = receive(aws, queue, AttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": TRACE}


def test_a_received_message_is_hidden_until_its_time_is_over(turned: Account, turned_queue: NewQueue) -> None:
    queue = turned_queue(VisibilityTimeout=300)
    send(turned, queue, "x")
    assert bodies(turned, queue) == ["x"]
    turned.node.advance(240)
    assert bodies(turned, queue) == []
    assert counts(turned, queue) == (0, 1, 0)
    turned.node.advance(61)
    assert counts(turned, queue) == (1, 0, 0)
    assert bodies(turned, queue, VisibilityTimeout=5) == ["x"]
    turned.node.advance(6)
    assert bodies(turned, queue) == ["x"]


def test_visibility_can_be_changed_to_sooner_and_later(turned: Account, turned_queue: NewQueue) -> None:
    queue = turned_queue(VisibilityTimeout=30)
    send(turned, queue, "x")
    (message,) = receive(turned, queue)
    hide(turned, queue, message, 100)
    turned.node.advance(60)
    assert bodies(turned, queue) == []
    hide(turned, queue, message, 0)
    (again,) = receive(turned, queue)
    turned.node.advance(43_000)
    hide(turned, queue, again, 100)
    with refused("InvalidParameterValue", "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"):
        hide(turned, queue, again, 300)
    with refused("InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid."):
        hide(turned, queue, again, 43_201)
    delete(turned, queue, again)
    with refused("InvalidParameterValue", "Reason: Message does not exist or is not available for visibility timeout change."):
        hide(turned, queue, again, 1)


def test_a_handle_outlives_its_message_and_its_time_but_is_of_one_queue(turned: Account, turned_queue: NewQueue) -> None:
    queue, other = turned_queue(VisibilityTimeout=1), turned_queue()
    send(turned, queue, "x")
    (early,) = receive(turned, queue)
    turned.node.advance(2)
    hide(turned, queue, early, 1)
    turned.node.advance(2)
    (late,) = receive(turned, queue)
    assert late["ReceiptHandle"] != early["ReceiptHandle"]
    delete(turned, queue, early)
    delete(turned, queue, late)
    assert counts(turned, queue) == (0, 0, 0)
    with refused("ReceiptHandleIsInvalid", "is not valid for this queue."):
        delete(turned, other, late)
    for handle in ("nonsense", "AQEB" + "A" * 52, late["ReceiptHandle"][:-1] + "!"):
        with refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid.") as refusal:
            turned.sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
        assert refusal.status == 404


def test_delays_hold_messages_back(turned: Account, turned_queue: NewQueue) -> None:
    turned.node.turn_clock({"do": "freeze"})
    queue = turned_queue(DelaySeconds=10)
    send(turned, queue, "by the queue")
    send(turned, queue, "by itself", DelaySeconds=20)
    send(turned, queue, "at once", DelaySeconds=0)
    assert counts(turned, queue) == (1, 0, 2)
    assert bodies(turned, queue) == ["at once"]
    turned.node.advance(10)
    assert bodies(turned, queue) == ["by the queue"]
    turned.node.advance(10)
    assert bodies(turned, queue) == ["by itself"]
    with refused("InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."):
        send(turned, queue, "x", DelaySeconds=901)


def test_messages_are_gone_when_their_retention_is_over(turned: Account, turned_queue: NewQueue) -> None:
    queue = turned_queue(MessageRetentionPeriod=60)
    send(turned, queue, "old", "taken")
    taken = receive(turned, queue, 1, VisibilityTimeout=600)
    turned.node.advance(30)
    send(turned, queue, "new")
    turned.node.advance(31)
    assert counts(turned, queue) == (1, 0, 0)
    assert bodies(turned, queue) == ["new"]
    delete(turned, queue, taken[0])
    turned.node.advance(3600)
    assert counts(turned, queue) == (0, 0, 0)


def test_batches_tell_of_each_entry(aws: Account, queue: str) -> None:
    answer = aws.sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "good", "MessageBody": "a"},
            {"Id": "late", "MessageBody": "b", "DelaySeconds": 901},
            {"Id": "also-good", "MessageBody": "c", "MessageAttributes": {"x": text("y")}},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["good", "also-good"]
    assert answer["Failed"] == [
        {
            "Id": "late",
            "SenderFault": True,
            "Code": "InvalidParameterValue",
            "Message": "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
        }
    ]
    messages = receive(aws, queue)
    assert [message["Body"] for message in messages] == ["a", "c"]
    entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)]
    changes = [{**entry, "VisibilityTimeout": 0} for entry in [*entries, {"Id": "x", "ReceiptHandle": "no"}]]
    changed = aws.sqs.change_message_visibility_batch(QueueUrl=queue, Entries=changes)
    assert [entry["Id"] for entry in changed["Successful"]] == ["0", "1"]
    assert [(entry["Id"], entry["Code"]) for entry in changed["Failed"]] == [("x", "ReceiptHandleIsInvalid")]
    assert counts(aws, queue) == (2, 0, 0)
    deleted = aws.sqs.delete_message_batch(QueueUrl=queue, Entries=[*entries, {"Id": "x", "ReceiptHandle": "no"}])
    assert [entry["Id"] for entry in deleted["Successful"]] == ["0", "1"]
    assert [(entry["Id"], entry["Code"]) for entry in deleted["Failed"]] == [("x", "ReceiptHandleIsInvalid")]
    assert counts(aws, queue) == (0, 0, 0)


def test_batches_are_refused_as_a_whole_for_what_is_wrong_with_the_whole(aws: Account, queue: str) -> None:
    def batch(*ids: str, body: str = "x") -> None:
        aws.sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": id, "MessageBody": body} for id in ids])

    prefix = "AWS.SimpleQueueService."
    with refused(prefix + "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."):
        batch()
    with refused(prefix + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."):
        batch(*map(str, range(11)))
    with refused(prefix + "BatchEntryIdsNotDistinct", "Id a repeated."):
        batch("a", "b", "a")
    with refused(prefix + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores."):
        batch("a b")
    with refused(prefix + "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes."):
        batch("a", "b", body="x" * 524_289)
    with refused(prefix + "EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request."):
        aws.sqs.delete_message_batch(QueueUrl=queue, Entries=[])
    assert counts(aws, queue) == (0, 0, 0)


def test_up_to_ten_messages_are_received_at_once(aws: Account, queue: str) -> None:
    for _ in range(2):
        aws.sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(number), "MessageBody": str(number)} for number in range(8)])
    assert len(receive(aws, queue)) == 10
    assert len(receive(aws, queue)) == 6
    for parameter, value in (("MaxNumberOfMessages", 0), ("WaitTimeSeconds", 21), ("VisibilityTimeout", 43_201)):
        with refused("InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid."):
            aws.sqs.receive_message(QueueUrl=queue, **{parameter: value})
    with refused("InvalidParameterValue", "Value x for parameter ReceiveRequestAttemptId is invalid."):
        aws.sqs.receive_message(QueueUrl=queue, ReceiveRequestAttemptId="x")
    with refused("InvalidParameterValue", "Value x for parameter MessageDeduplicationId is invalid."):
        send(aws, queue, "x", MessageDeduplicationId="x")


class Waiting:
    """A receive that waits, in a thread of its own."""

    def __init__(self, account: Account, url: str, **more: Any) -> None:
        self.messages: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self._client = account.client("sqs")
        self._thread = threading.Thread(target=self._run, args=(url, more))
        self._thread.start()

    def _run(self, url: str, more: dict[str, Any]) -> None:
        try:
            self.messages = self._client.receive_message(QueueUrl=url, **more).get("Messages", [])
        except Exception as error:
            self.failure = error

    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def bodies(self) -> list[str]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure
        return [message["Body"] for message in self.messages]


def test_a_long_poll_ends_when_a_message_arrives(aws: Account, queue: str) -> None:
    waiting = Waiting(aws, queue, WaitTimeSeconds=20)
    began = time.monotonic()
    send(aws, queue, "x")
    assert waiting.bodies() == ["x"]
    assert time.monotonic() - began < 5


def test_a_long_poll_ends_by_the_nodes_clock(turned: Account, turned_queue: NewQueue) -> None:
    queue = turned_queue(ReceiveMessageWaitTimeSeconds=20)
    waiting = Waiting(turned, queue)
    began = time.monotonic()
    while waiting.is_waiting():
        turned.node.advance(20)
    assert waiting.bodies() == []
    assert time.monotonic() - began < 10


def test_a_long_poll_gets_what_becomes_visible(turned: Account, turned_queue: NewQueue) -> None:
    queue = turned_queue(VisibilityTimeout=10)
    send(turned, queue, "delayed", DelaySeconds=5)
    send(turned, queue, "taken")
    assert bodies(turned, queue) == ["taken"]
    waiting = Waiting(turned, queue, WaitTimeSeconds=20)
    turned.node.advance(6)
    assert waiting.bodies() == ["delayed"]
    waiting = Waiting(turned, queue, WaitTimeSeconds=20)
    turned.node.advance(5)
    assert waiting.bodies() == ["taken"]


def test_a_long_poll_of_a_queue_that_is_deleted_ends(aws: Account, queue: str) -> None:
    waiting = Waiting(aws, queue, WaitTimeSeconds=20)
    aws.sqs.delete_queue(QueueUrl=queue)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        waiting.bodies()


def test_each_message_goes_to_one_of_many_receivers(aws: Account, queue: str) -> None:
    waiting = [Waiting(aws, queue, WaitTimeSeconds=20, MaxNumberOfMessages=1) for _ in range(8)]
    send(aws, queue, *map(str, range(8)))
    assert sorted(body for each in waiting for body in each.bodies()) == [str(number) for number in range(8)]
    assert counts(aws, queue) == (0, 8, 0)
