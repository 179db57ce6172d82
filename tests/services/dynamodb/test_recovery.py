"""Point-in-time recovery: a table as it was at any second, against a model that remembers every state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.node import Account
from tests.services.dynamodb.streaming import delete, put, refusal, table
from tests.services.lambda_.house import ACCOUNT, House, opened
from tule.access.principal import root
from tule.services.dynamodb import recovery
from tule.services.dynamodb.state import items
from tule.services.dynamodb.state import tables as rows

DAY = 86_400
KEYS = "abcd"


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, request.param) as running:
        running.node.clock.freeze(1_900_000_000_000)
        yield running


async def make(house: House, name: str = "tab") -> None:
    await house.call(
        "dynamodb",
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("p", "g")],
        GlobalSecondaryIndexes=[
            {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )


async def recover(house: House, *, on: bool = True, name: str = "tab") -> None:
    await house.call("dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on})


async def write(house: House, key: str, value: int | None, name: str = "tab") -> None:
    if value is None:
        await house.call("dynamodb", "DeleteItem", TableName=name, Key={"p": {"S": key}})
    else:
        await house.call("dynamodb", "PutItem", TableName=name, Item={"p": {"S": key}, "n": {"N": str(value)}, "g": {"S": str(value % 2)}})


async def state(house: House, name: str = "tab", **asked: Any) -> dict[str, int]:
    scanned = orjson.loads(orjson.dumps(await house.call("dynamodb", "Scan", TableName=name, **asked)))
    return {item["p"]["S"]: int(item["n"]["N"]) for item in scanned["Items"]}


async def state_at(house: House, name: str, at_ms: int, limit: int) -> dict[str, int]:
    """Page by page, each in a transaction of its own."""
    table = await house.node.store.read(lambda tx: next(one for one in rows.everywhere(tx) if one.name == name))
    found: dict[str, int] = {}
    after: items.Position | None = items.START
    while after is not None:
        page = await house.node.store.read(lambda tx, after=after: recovery.page_at(tx, table.id, at_ms, after, limit))
        for _, stored in page.items:
            item = orjson.loads(stored.item)
            assert item["p"]["S"] not in found
            found[item["p"]["S"]] = int(item["n"]["N"])
        after = page.after
    return found


_CHANGE = st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 5)), st.sampled_from([0, 1, 400, 1_000, 3_000]))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(before=st.lists(_CHANGE, max_size=5), since=st.lists(_CHANGE, max_size=25), limit=st.integers(1, 4))
async def test_every_state_since_it_was_enabled_can_be_read(
    house: House, before: list[tuple[str, int | None, int]], since: list[tuple[str, int | None, int]], limit: int
) -> None:
    name = f"tab-{house.node.ids.hex(12)}"
    await make(house, name)
    model: dict[str, int] = {}
    for key, value, _ in before:
        await write(house, key, value, name)
        model = _changed(model, key, value)
    await recover(house, name=name)
    clock = house.node.clock
    states = {clock.now_ms(): model}
    for key, value, pause_ms in since:
        clock.move(pause_ms)
        await write(house, key, value, name)
        model = _changed(model, key, value)
        states[clock.now_ms()] = model
    clock.move(1)
    for at_ms, expected in states.items():
        assert await state_at(house, name, at_ms, limit) == expected


def _changed(model: dict[str, int], key: str, value: int | None) -> dict[str, int]:
    left = {other: n for other, n in model.items() if other != key}
    return left if value is None else left | {key: value}


async def test_a_table_is_restored_with_its_indexes(house: House) -> None:
    await make(house)
    await write(house, "old", 1)
    await recover(house)
    await house.advance(10)
    at_s = house.node.clock.now_ms() / 1000
    await house.advance(10)
    await write(house, "old", 3)
    await write(house, "new", 2)
    made = await house.call("dynamodb", "RestoreTableToPointInTime", SourceTableName="tab", TargetTableName="restored", RestoreDateTime=at_s)
    assert made["TableDescription"]["TableStatus"] == "CREATING"
    assert made["TableDescription"]["RestoreSummary"]["RestoreInProgress"] is True
    await house.advance(1)  # under chaos, indexes lag
    shown = (await house.call("dynamodb", "DescribeTable", TableName="restored"))["Table"]
    assert shown["TableStatus"] == "ACTIVE"
    assert shown["RestoreSummary"] == {
        "SourceTableArn": shown["TableArn"].replace("restored", "tab"),
        "RestoreDateTime": at_s,
        "RestoreInProgress": False,
    }
    assert await state(house, "restored") == {"old": 1}
    assert await state(house, "restored", IndexName="by-g") == {"old": 1}
    assert await state(house) == {"old": 3, "new": 2}
    await house.call("dynamodb", "RestoreTableToPointInTime", SourceTableName="tab", TargetTableName="latest", UseLatestRestorableTime=True)
    await house.settle()
    assert await state(house, "latest") == {"old": 3, "new": 2}


async def test_what_is_written_while_a_large_table_is_restored_does_not_get_in(house: House) -> None:
    await make(house)
    requests = [{"PutRequest": {"Item": {"p": {"S": f"k{n}"}, "n": {"N": str(n)}}}} for n in range(1_200)]
    for begin in range(0, 1_200, 25):
        await house.call("dynamodb", "BatchWriteItem", RequestItems={"tab": requests[begin : begin + 25]})
    await recover(house)
    await house.advance(5)
    await house.call("dynamodb", "RestoreTableToPointInTime", SourceTableName="tab", TargetTableName="restored", UseLatestRestorableTime=True)
    house.node.clock.move(1)
    for n in range(0, 1_200, 60):
        await write(house, f"k{n}", None)
        await write(house, f"new{n}", n)
    await recover(house, on=False)
    await house.settle()
    found: dict[str, int] = {}
    start: dict[str, Any] = {}
    while True:
        page = await house.call("dynamodb", "Scan", TableName="restored", **start)
        scanned = orjson.loads(orjson.dumps(page))
        found |= {item["p"]["S"]: int(item["n"]["N"]) for item in scanned["Items"]}
        if "LastEvaluatedKey" not in scanned:
            break
        start = {"ExclusiveStartKey": scanned["LastEvaluatedKey"]}
    assert found == {f"k{n}": n for n in range(1_200)}


async def test_a_table_is_restored_into_another_region(house: House) -> None:
    await make(house)
    await write(house, "a", 1)
    await recover(house)
    arn = (await house.call("dynamodb", "DescribeTable", TableName="tab"))["Table"]["TableArn"]
    params = {"SourceTableArn": arn, "TargetTableName": "tab", "UseLatestRestorableTime": True}
    client, there = house.node.dispatcher, "eu-west-1"
    await client.invoke("dynamodb", "RestoreTableToPointInTime", params, principal=root(ACCOUNT), region=there)
    await house.settle()
    found = await client.invoke("dynamodb", "Scan", {"TableName": "tab"}, principal=root(ACCOUNT), region=there)
    assert [item["p"]["S"] for item in orjson.loads(orjson.dumps(found))["Items"]] == ["a"]


def test_continuous_backups_are_described(turned: Account) -> None:
    table(turned)
    described = turned.dynamodb.describe_continuous_backups(TableName="tab")["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    wanted = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    turned.dynamodb.update_continuous_backups(TableName="tab", PointInTimeRecoverySpecification=wanted)
    turned.node.advance(30 * DAY)
    shown = turned.dynamodb.describe_continuous_backups(TableName="tab")["ContinuousBackupsDescription"]
    assert shown["ContinuousBackupsStatus"] == "ENABLED"
    recovery = shown["PointInTimeRecoveryDescription"]
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", 7)
    assert recovery["LatestRestorableDateTime"] - recovery["EarliestRestorableDateTime"] == timedelta(days=7)


def test_what_cannot_be_restored_is_refused(turned: Account) -> None:
    table(turned)
    put(turned, "a")
    delete(turned, "a")

    def restore(**asked: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as refused:
            turned.dynamodb.restore_table_to_point_in_time(**{"SourceTableName": "tab", "TargetTableName": "new"} | asked)
        return refusal(refused)

    assert restore(UseLatestRestorableTime=True) == (
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'tab'",
    )
    assert restore(SourceTableName="absent", UseLatestRestorableTime=True) == ("TableNotFoundException", "Table not found: absent")
    assert restore()[0] == "ValidationException"
    turned.dynamodb.update_continuous_backups(TableName="tab", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    assert restore(RestoreDateTime=datetime(2020, 1, 1, tzinfo=UTC))[0] == "InvalidRestoreTimeException"
    assert restore(TargetTableName="tab", UseLatestRestorableTime=True)[0] == "TableAlreadyExistsException"
    with pytest.raises(ClientError) as refused:
        turned.dynamodb.describe_continuous_backups(TableName="absent")
    assert refusal(refused)[0] == "TableNotFoundException"
