"""Two nodes on one database share queues: what one changes or sends, the other knows, long before anybody would look."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.node import Account, RunningNode
from tests.postgres import node_database
from tests.services.sqs.messages import attributes, bodies, counts, send


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Account]]:
    """One account, seen through two nodes."""
    url = node_database()
    data = tmp_path_factory.mktemp("pair")
    with RunningNode(data / "one", store=url) as one, RunningNode(data / "two", store=url) as two:
        account = one.fresh_account()
        yield account, Account(two, account.id)


def _new_queue(account: Account, name: str, **more: str) -> str:
    return account.sqs.create_queue(QueueName=name, Attributes=more)["QueueUrl"]


def test_a_message_wakes_who_waits_at_the_other_node(pair: tuple[Account, Account]) -> None:
    here, there = pair
    url = _new_queue(here, "wakes")
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.extend(bodies(there, url, WaitTimeSeconds=20)))
    waiting.start()
    send(here, url, "x")
    waiting.join(10)
    assert got == ["x"]


def test_what_one_node_hides_the_other_shows_when_its_time_is_over(pair: tuple[Account, Account]) -> None:
    here, there = pair
    url = _new_queue(here, "hides", VisibilityTimeout="1")
    send(here, url, "x")
    assert bodies(here, url) == ["x"]
    assert counts(there, url) == (0, 1, 0)
    assert bodies(there, url, WaitTimeSeconds=20) == ["x"]


def test_nodes_never_give_the_same_message_twice(pair: tuple[Account, Account]) -> None:
    url = _new_queue(pair[0], "shares")
    send(pair[0], url, *map(str, range(60)))
    got: list[str] = []

    def take(account: Account) -> None:
        while taken := bodies(account, url, 3):
            got.extend(taken)

    threads = [threading.Thread(target=take, args=(account,)) for account in pair * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == sorted(map(str, range(60)))


def test_a_change_at_one_node_counts_at_the_other(pair: tuple[Account, Account]) -> None:
    here, there = pair
    url = _new_queue(here, "changes")
    assert attributes(there, url)["DelaySeconds"] == "0"
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "7"})
    while attributes(there, url)["DelaySeconds"] != "7":
        continue
