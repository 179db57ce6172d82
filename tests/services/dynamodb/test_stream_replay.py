"""Whoever replays a stream has the table: of every item the changes in their order, each from the state before to the one after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.lambda_.house import House, opened
from tule.core.errors import ServiceError

Item = dict[str, Any]
REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException")


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, request.param) as running:
        yield running


_KEY = st.sampled_from("abcdef")
_VALUE = st.integers(0, 2)
_STEP = st.one_of(
    st.tuples(st.just("put"), _KEY, _VALUE),
    st.tuples(st.just("delete"), _KEY),
    st.tuples(st.just("add"), _KEY, _VALUE),
    st.tuples(st.just("if absent"), _KEY, _VALUE),
    st.tuples(st.just("batch"), st.dictionaries(_KEY, st.one_of(st.none(), _VALUE), min_size=1, max_size=4)),
    st.tuples(st.just("transact"), st.dictionaries(_KEY, _VALUE, min_size=1, max_size=3), st.booleans()),
    st.tuples(st.just("partiql"), _KEY),
    st.tuples(st.just("advance"), st.sampled_from([1, 3_600, 5 * 3_600])),
)


async def run(house: House, table: str, step: Any) -> None:
    match step:
        case ("put", key, n):
            await house.call("dynamodb", "PutItem", TableName=table, Item=item(key, n))
        case ("delete", key):
            await house.call("dynamodb", "DeleteItem", TableName=table, Key={"p": {"S": key}})
        case ("add", key, n):
            values = {":n": {"N": str(n)}}
            await house.call(
                "dynamodb", "UpdateItem", TableName=table, Key={"p": {"S": key}}, UpdateExpression="ADD n :n", ExpressionAttributeValues=values
            )
        case ("if absent", key, n):
            await house.call("dynamodb", "PutItem", TableName=table, Item=item(key, n), ConditionExpression="attribute_not_exists(p)")
        case ("batch", writes):
            requests = [
                {"DeleteRequest": {"Key": {"p": {"S": key}}}} if n is None else {"PutRequest": {"Item": item(key, n)}} for key, n in writes.items()
            ]
            await house.call("dynamodb", "BatchWriteItem", RequestItems={table: requests})
        case ("transact", writes, fails):
            puts = [{"Put": {"TableName": table, "Item": item(key, n)}} for key, n in writes.items()]
            check = {"ConditionCheck": {"TableName": table, "Key": {"p": {"S": "z"}}, "ConditionExpression": "attribute_exists(p)"}}
            await house.call("dynamodb", "TransactWriteItems", TransactItems=[*puts, *([check] if fails else [])])
        case ("partiql", key):
            await house.call("dynamodb", "ExecuteStatement", Statement=f"DELETE FROM \"{table}\" WHERE p = '{key}'")
        case _:
            await house.advance(step[1])


def item(key: str, n: int) -> Item:
    return {"p": {"S": key}, "n": {"N": str(n)}}


async def records(house: House, arn: str) -> list[Item]:
    """Of all shards, parents before their children."""
    shown = (await house.call("dynamodbstreams", "DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"]
    found: list[Item] = []
    for shard in sorted(shown, key=lambda shard: int(shard["SequenceNumberRange"]["StartingSequenceNumber"])):
        asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        at: str | None = (await house.call("dynamodbstreams", "GetShardIterator", **asked))["ShardIterator"]
        while at is not None:
            answer = await house.call("dynamodbstreams", "GetRecords", ShardIterator=at, Limit=3)
            found += answer["Records"]
            at = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def replayed(changes: list[Item]) -> dict[str, Item]:
    state: dict[str, Item] = {}
    for change in changes:
        key = change["dynamodb"]["Keys"]["p"]["S"]
        old, new = change["dynamodb"].get("OldImage"), change["dynamodb"].get("NewImage")
        assert old == state.get(key)
        assert old != new
        assert change["eventName"] == ("INSERT" if old is None else "REMOVE" if new is None else "MODIFY")
        if new is None:
            del state[key]
        else:
            state[key] = new
    return state


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(_STEP, max_size=20), reads=st.sets(st.integers(0, 19), max_size=3), on_demand=st.booleans())
async def test_the_stream_replayed_is_the_table(house: House, steps: list[Any], reads: set[int], on_demand: bool) -> None:
    name = f"tab-{house.node.ids.hex(12)}"
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    made = await house.call(
        "dynamodb",
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **({"BillingMode": "PAY_PER_REQUEST"} if on_demand else {"ProvisionedThroughput": units}),
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    elapsed = 0
    for number, step in enumerate(steps):
        if step[0] == "advance":
            elapsed += step[1]
            if elapsed > 80_000:  # a day's records are kept
                continue
        try:
            await run(house, name, step)
        except ServiceError as error:
            if error.code not in REFUSALS:
                raise
        if number in reads:
            await records(house, arn)
    scanned = orjson.loads(orjson.dumps(await house.call("dynamodb", "Scan", TableName=name, ConsistentRead=True)))
    assert replayed(await records(house, arn)) == {one["p"]["S"]: one for one in scanned["Items"]}
