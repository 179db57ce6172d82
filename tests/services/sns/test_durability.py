"""What was acknowledged arrives, however often the node dies; in order where order was promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.node import Account, RunningNode
from tests.services.sns.endpoints import Queue

KILLS = 3
PER_LIFE = 40
PATIENCE_S = 60.0


class Publisher(threading.Thread):
    """Publishes numbered messages until the node dies; `acknowledged` are those whose publication was answered."""

    def __init__(self, account: Account, topic: str, first: int, enough: threading.Event, **order: str) -> None:
        super().__init__(daemon=True)
        self._publish = account.sns.publish
        self._topic = topic
        self._first = first
        self._enough = enough
        self._order = order
        self.acknowledged: list[str] = []

    def run(self) -> None:
        for number in range(self._first, self._first + 100_000):
            text = f"{number:06}"
            order: dict[str, Any] = {**self._order, "MessageDeduplicationId": text} if self._order else {}
            try:
                self._publish(TopicArn=self._topic, Message=text, **order)
            except (BotoCoreError, ClientError):
                return
            self.acknowledged.append(text)
            if len(self.acknowledged) == PER_LIFE:
                self._enough.set()


class House:
    """A node that dies and comes back with what it had; the account's clients follow it."""

    def __init__(self, start: Callable[..., RunningNode]) -> None:
        self._start = start
        self._node = start()
        self._id = self._node.fresh_account().id

    @property
    def account(self) -> Account:
        return Account(self._node, self._id)

    def publish_through_deaths(self, topic: str, **order: str) -> list[str]:
        """The texts that were acknowledged, in the order in which they were."""
        acknowledged: list[str] = []
        for life in range(KILLS):
            enough = threading.Event()
            publisher = Publisher(self.account, topic, life * 100_000, enough, **order)
            publisher.start()
            assert enough.wait(60)
            self._node.kill()
            publisher.join(60)
            acknowledged += publisher.acknowledged
            self._node = self._start()
        return acknowledged


def drained(account: Account, queue_url: str, last: str) -> list[str]:
    """All that arrives until `last` has come and nothing is left."""
    found: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = account.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            account.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
        if "Messages" not in answer and last in found:
            return found
        assert time.monotonic() < deadline, f"{last} never came, after {found[-1]}"


def subscribed(account: Account, topic: str, queue: Queue) -> str:
    """The queue's URL as the node of today names it."""
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    return queue.arn.rpartition(":")[2]


def test_nothing_acknowledged_is_lost_through_kills(start_node: Callable[..., RunningNode]) -> None:
    house = House(start_node)
    topic = house.account.sns.create_topic(Name="durable")["TopicArn"]
    name = subscribed(house.account, topic, Queue(house.account))
    acknowledged = house.publish_through_deaths(topic)
    account = house.account
    got = drained(account, account.sqs.get_queue_url(QueueName=name)["QueueUrl"], acknowledged[-1])
    assert set(acknowledged) <= set(got)


def test_a_group_keeps_its_order_and_comes_once_through_kills(start_node: Callable[..., RunningNode]) -> None:
    house = House(start_node)
    topic = house.account.sns.create_topic(Name="durable.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    name = subscribed(house.account, topic, Queue(house.account, "queue.fifo", FifoQueue="true"))
    acknowledged = house.publish_through_deaths(topic, MessageGroupId="g")
    account = house.account
    got = drained(account, account.sqs.get_queue_url(QueueName=name)["QueueUrl"], acknowledged[-1])
    assert got == sorted(set(got))
    assert set(acknowledged) <= set(got)
