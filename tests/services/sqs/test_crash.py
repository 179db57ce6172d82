"""kill -9 while messages are sent, received and deleted: none that was acknowledged is lost, none that was deleted comes again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from tests.node import Account, RunningNode
from tests.services.sqs.messages import receive

PRODUCERS = 4
ENOUGH = 150


def _produce(account: Account, url: str, number: int, sent: list[str], enough: threading.Event) -> None:
    client = account.client("sqs")
    is_fifo = url.endswith(".fifo")
    try:
        for count in range(100_000):
            body = f"{number}-{count}"
            order = {"MessageGroupId": str(number), "MessageDeduplicationId": body} if is_fifo else {}
            client.send_message(QueueUrl=url, MessageBody=body, **order)
            sent.append(body)
            if len(sent) >= ENOUGH:
                enough.set()
    except (BotoCoreError, ClientError):
        return


def _consume(account: Account, url: str, deleting: list[str], deleted: list[str]) -> None:
    client = account.client("sqs")
    try:
        while True:
            for message in client.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=1).get("Messages", []):
                deleting.append(message["Body"])
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                deleted.append(message["Body"])
    except (BotoCoreError, ClientError):
        return


def _left(account: Account, url: str) -> list[str]:
    found: list[str] = []
    while messages := receive(account, url, WaitTimeSeconds=2, VisibilityTimeout=600):
        found += [message["Body"] for message in messages]
        if url.endswith(".fifo"):
            entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)]
            account.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


class Traffic(NamedTuple):
    """What was acknowledged as sent, what was to be deleted, what was acknowledged as deleted, and what is left."""

    sent: list[str]
    deleting: list[str]
    deleted: list[str]
    left: list[str]


def _kill_amid_traffic(node: RunningNode, account: Account, url: str) -> Traffic:
    sent: list[str] = []
    deleting: list[str] = []
    deleted: list[str] = []
    enough = threading.Event()
    threads = [threading.Thread(target=_produce, args=(account, url, number, sent, enough)) for number in range(PRODUCERS)]
    threads.append(threading.Thread(target=_consume, args=(account, url, deleting, deleted)))
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    node.kill()
    for thread in threads:
        thread.join(60)
    return Traffic(sent, deleting, deleted, [])


def _traffic(start_node: Callable[..., RunningNode], name: str) -> Traffic:
    node = start_node()
    account = node.fresh_account()
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    account.sqs.create_queue(QueueName=name, Attributes=attributes)
    url = account.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    traffic = _kill_amid_traffic(node, account, url)
    again = Account(start_node(), account.id)
    return traffic._replace(left=_left(again, again.sqs.get_queue_url(QueueName=name)["QueueUrl"]))


def test_acknowledged_messages_survive_kill_9(start_node: Callable[..., RunningNode]) -> None:
    sent, deleting, deleted, left = _traffic(start_node, "q")
    assert len(left) == len(set(left))
    assert set(sent) <= set(left) | set(deleting)
    assert not set(left) & set(deleted)
    assert len(set(left) | set(deleting)) <= len(sent) + PRODUCERS


def test_order_survives_kill_9(start_node: Callable[..., RunningNode]) -> None:
    sent, deleting, deleted, left = _traffic(start_node, "q.fifo")
    assert set(sent) <= set(left) | set(deleting)
    assert not set(left) & set(deleted)
    for number in range(PRODUCERS):
        seen = dict.fromkeys(body for body in deleting + left if body.startswith(f"{number}-"))
        assert [int(body.partition("-")[2]) for body in seen] == list(range(len(seen)))
