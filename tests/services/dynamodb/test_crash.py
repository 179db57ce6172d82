"""kill -9 amid writes: none that was acknowledged is lost, transactions are whole, and indexes hold what their table holds."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError

from tests.node import Account, RunningNode

ENOUGH = 150
TABLE = "ledger"


def _make_table(account: Account) -> None:
    account.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in (("p", "S"), ("n", "N"), ("g", "S"))],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "by-group", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
    )


class Traffic:
    """What was acknowledged, by kind of write."""

    def __init__(self, account: Account) -> None:
        self._client = account.client("dynamodb")
        self.put: list[int] = []
        self.counted: list[int] = []
        self.paired: list[int] = []
        self.batched: list[int] = []
        self.enough = threading.Event()

    def run(self) -> None:
        writes = ((self._put, self.put), (self._count, self.counted), (self._pair, self.paired), (self._batch, self.batched))
        threads = [threading.Thread(target=self._repeat, args=(write, done)) for write, done in writes]
        for thread in threads:
            thread.start()
        self._threads = threads

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _repeat(self, write: Callable[[int], Any], done: list[int]) -> None:
        try:
            for number in itertools.count():
                write(number)
                done.append(number)
                if all(len(each) >= ENOUGH // 4 for each in (self.put, self.counted, self.paired, self.batched)):
                    self.enough.set()
        except BotoCoreError:
            return  # the node is gone

    def _item(self, kind: str, number: int, group: str = "x") -> dict[str, Any]:
        return {"p": {"S": kind}, "n": {"N": str(number)}, "g": {"S": group}, "text": {"S": "y" * 300}}

    def _put(self, number: int) -> None:
        self._client.put_item(TableName=TABLE, Item=self._item("put", number))

    def _count(self, number: int) -> None:
        key = {"p": {"S": "count"}, "n": {"N": "0"}}
        self._client.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET g = :g ADD seen :one",
            ExpressionAttributeValues={":one": {"N": "1"}, ":g": {"S": f"g{number % 3}"}},
        )

    def _pair(self, number: int) -> None:
        puts = [{"Put": {"TableName": TABLE, "Item": self._item(side, number)}} for side in ("left", "right")]
        self._client.transact_write_items(TransactItems=puts, ClientRequestToken=f"pair-{number}")

    def _batch(self, number: int) -> None:
        puts = [{"PutRequest": {"Item": self._item(f"batch-{part}", number)}} for part in range(5)]
        assert not self._client.batch_write_item(RequestItems={TABLE: puts})["UnprocessedItems"]


def _everything(account: Account, **params: Any) -> dict[tuple[str, int], dict[str, Any]]:
    pages = account.dynamodb.get_paginator("scan").paginate(TableName=TABLE, **params)
    return {(item["p"]["S"], int(item["n"]["N"])): item for page in pages for item in page["Items"]}


def test_acknowledged_writes_survive_kill_9(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    _make_table(account)
    traffic = Traffic(account)
    traffic.run()
    assert traffic.enough.wait(60)
    node.kill()
    traffic.join()

    again = Account(start_node(), account.id)
    left = _everything(again)
    assert {number for kind, number in left if kind == "put"} >= set(traffic.put)
    assert len(traffic.counted) <= int(left["count", 0]["seen"]["N"]) <= len(traffic.counted) + 1
    assert {number for kind, number in left if kind == "left"} == {number for kind, number in left if kind == "right"} >= set(traffic.paired)
    for part in range(5):
        assert {number for kind, number in left if kind == f"batch-{part}"} >= set(traffic.batched)
    assert _everything(again, IndexName="by-group") == left
