from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.node import Account

_numbers = itertools.count()


class NewQueue:
    """Makes queues of their own for a test: `new_queue(VisibilityTimeout=5)` gives the URL."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, name: str = "", *, fifo: bool = False, **attributes: Any) -> str:
        name = name or f"q-{next(_numbers)}" + (".fifo" if fifo else "")
        given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
        if fifo:
            given["FifoQueue"] = "true"
        return self.account.sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]

    def fifo(self, **attributes: Any) -> str:
        return self(fifo=True, **attributes)

    def with_dead_letters(self, max_receives: int, *, fifo: bool = False, **attributes: Any) -> tuple[str, str]:
        """The queue and its dead letter queue."""
        dead = self(fifo=fifo)
        policy = {"deadLetterTargetArn": arn_of(self.account, dead), "maxReceiveCount": max_receives}
        return self(fifo=fifo, RedrivePolicy=policy, **attributes), dead


def arn_of(account: Account, url: str) -> str:
    return account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def new_queue(aws: Account) -> NewQueue:
    return NewQueue(aws)


@pytest.fixture
def turned_queue(turned: Account) -> NewQueue:
    """The same on the node whose clock the test may turn."""
    return NewQueue(turned)


@pytest.fixture
def queue(new_queue: NewQueue) -> str:
    return new_queue()
