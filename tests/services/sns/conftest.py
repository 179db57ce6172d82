"""Endpoints for SNS's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.node import Account
from tests.services.sns.endpoints import Hook, Queue


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def topic(aws: Account) -> str:
    return aws.sns.create_topic(Name="topic")["TopicArn"]


@pytest.fixture
def queue(aws: Account) -> Queue:
    return Queue(aws)
