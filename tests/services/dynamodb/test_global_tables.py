"""Replicas in several regions of one installation: they converge, whoever writes where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.node import Account, RunningNode
from tests.services.dynamodb.streaming import table as table_of
from tests.services.lambda_.house import ACCOUNT, House, opened
from tule.access.principal import root
from tule.core.errors import ServiceError

HOME, AWAY, THIRD = "us-east-1", "eu-west-1", "ap-south-1"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
LEGACY_MARKS = {"aws:rep:deleting", "aws:rep:updatetime", "aws:rep:updateregion"}


class World:
    """A house with regions."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def call(self, operation: str, region: str = HOME, service: str = "dynamodb", **params: Any) -> dict[str, Any]:
        answer = await self.house.node.dispatcher.invoke(service, operation, params, principal=root(ACCOUNT), region=region)
        return orjson.loads(orjson.dumps(answer))

    async def table(self, name: str = "tab", region: str = HOME, **settings: Any) -> None:
        given: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": STREAM} | settings
        await self.call(
            "CreateTable",
            region,
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            **given,
        )

    async def replicas(self, *updates: dict[str, Any], name: str = "tab", region: str = HOME) -> dict[str, Any]:
        shown = await self.call("UpdateTable", region, TableName=name, ReplicaUpdates=list(updates))
        await self.house.settle()
        return shown["TableDescription"]

    async def global_table(self, name: str = "tab", *others: str) -> None:
        await self.table(name)
        for region in others or (AWAY,):
            await self.replicas({"Create": {"RegionName": region}}, name=name)

    async def put(self, key: str, region: str = HOME, name: str = "tab", **attributes: Any) -> None:
        await self.call("PutItem", region, TableName=name, Item={"p": {"S": key}, **attributes})

    async def delete(self, key: str, region: str = HOME, name: str = "tab") -> None:
        await self.call("DeleteItem", region, TableName=name, Key={"p": {"S": key}})

    async def items(self, region: str, name: str = "tab") -> dict[str, dict[str, Any]]:
        found = (await self.call("Scan", region, TableName=name))["Items"]
        return {item.pop("p")["S"]: item for item in found}

    async def described(self, region: str = HOME, name: str = "tab") -> dict[str, Any]:
        return (await self.call("DescribeTable", region, TableName=name))["Table"]

    async def stream(self, region: str, name: str = "tab") -> list[dict[str, Any]]:
        arn = (await self.described(region, name))["LatestStreamArn"]
        shards = (await self.call("DescribeStream", region, "dynamodbstreams", StreamArn=arn))["StreamDescription"]["Shards"]
        records: list[dict[str, Any]] = []
        for shard in shards:
            asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            at = (await self.call("GetShardIterator", region, "dynamodbstreams", **asked))["ShardIterator"]
            records += (await self.call("GetRecords", region, "dynamodbstreams", ShardIterator=at))["Records"]
        return records


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, request.param) as running:
        yield World(running)


async def test_a_replica_is_made_with_what_is_there(world: World) -> None:
    await world.table()
    await world.put("before", n={"N": "1"})
    shown = await world.replicas({"Create": {"RegionName": AWAY}})
    assert shown["TableStatus"] == "UPDATING"
    home, away = await world.described(), await world.described(AWAY)
    assert [(replica["RegionName"], replica["ReplicaStatus"]) for replica in home["Replicas"]] == [(AWAY, "ACTIVE")]
    assert [(replica["RegionName"], replica["ReplicaStatus"]) for replica in away["Replicas"]] == [(HOME, "ACTIVE")]
    assert home["GlobalTableVersion"] == away["GlobalTableVersion"] == "2019.11.21"
    assert (away["TableStatus"], away["KeySchema"], away["StreamSpecification"]) == ("ACTIVE", home["KeySchema"], STREAM)
    assert away["TableId"] != home["TableId"]
    assert await world.items(AWAY) == {"before": {"n": {"N": "1"}}}


async def test_writes_travel_both_ways(world: World) -> None:
    await world.global_table()
    await world.put("a", n={"N": "1"})
    await world.put("b", AWAY, n={"N": "2"})
    await world.house.settle()
    assert await world.items(HOME) == await world.items(AWAY) == {"a": {"n": {"N": "1"}}, "b": {"n": {"N": "2"}}}
    await world.delete("a", AWAY)
    await world.house.settle()
    assert await world.items(HOME) == await world.items(AWAY) == {"b": {"n": {"N": "2"}}}


async def test_each_stream_shows_each_change_once(world: World) -> None:
    await world.global_table("tab", AWAY, THIRD)
    await world.put("a", n={"N": "1"})
    await world.house.settle()
    await world.put("a", AWAY, n={"N": "2"})
    await world.house.settle()
    await world.delete("a", THIRD)
    await world.house.settle()
    for region in (HOME, AWAY, THIRD):
        records = await world.stream(region)
        assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
        assert {record["awsRegion"] for record in records} == {region}


async def test_the_last_writer_wins(world: World) -> None:
    await world.global_table()
    clock = world.house.node.clock
    clock.freeze(clock.now_ms())
    await world.put("a", AWAY, n={"N": "1"})
    clock.move(1)
    await world.put("a", HOME, n={"N": "2"})
    await world.put("same", AWAY, n={"N": "3"})
    await world.put("same", HOME, n={"N": "4"})
    await world.house.settle()
    assert await world.items(HOME) == await world.items(AWAY) == {"a": {"n": {"N": "2"}}, "same": {"n": {"N": "4"}}}


_WRITE = st.tuples(st.sampled_from((HOME, AWAY, THIRD)), st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 9)), st.sampled_from((0, 0, 1)))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.one_of(_WRITE, st.just("settle")), max_size=25), st.integers(0, 25))
async def test_replicas_converge(world: World, steps: list[Any], joined: int) -> None:
    """Whatever is written where, and whenever the third replica comes: in the end all hold the same, and what was written last of each item."""
    name = f"tab-{world.house.node.ids.hex(12)}"
    clock = world.house.node.clock
    clock.freeze(clock.now_ms())
    await world.global_table(name)
    writes: dict[str, list[tuple[int, str, int | None]]] = {}
    for number, step in enumerate(steps):
        if number == joined:
            await world.call("UpdateTable", TableName=name, ReplicaUpdates=[{"Create": {"RegionName": THIRD}}])
        if step == "settle":
            await world.house.settle()
            continue
        region, key, value, pause_ms = step
        clock.move(pause_ms)
        if region == THIRD and number < joined:
            region = HOME
        if value is None:
            await world.delete(key, region, name)
        else:
            await world.put(key, region, name, n={"N": str(value)})
        writes.setdefault(key, []).append((clock.now_ms(), region, value))
    await world.house.settle()
    states = [await world.items(region, name) for region in ((HOME, AWAY, THIRD) if joined < len(steps) else (HOME, AWAY))]
    assert all(state == states[0] for state in states)
    assert states[0].keys() <= writes.keys()
    for key, written in writes.items():
        at_ms, _, value = written[-1]
        if len({region for when_ms, region, _ in written if when_ms == at_ms}) == 1:  # else the region's name decides
            assert states[0].get(key) == (None if value is None else {"n": {"N": str(value)}})


async def test_only_what_changed_last_counts_when_the_clock_moves_between_writes(world: World) -> None:
    await world.global_table()
    for number, region in enumerate((HOME, AWAY, AWAY, HOME, AWAY)):
        await world.house.advance(0.005)
        await world.put("a", region, n={"N": str(number)})
    await world.house.settle()
    assert await world.items(HOME) == await world.items(AWAY) == {"a": {"n": {"N": "4"}}}


async def test_a_large_table_is_copied_while_it_is_written_to(world: World) -> None:
    await world.table()
    for begin in range(0, 700, 25):
        requests = [{"PutRequest": {"Item": {"p": {"S": f"k{begin + one}"}, "n": {"N": "0"}}}} for one in range(25)]
        await world.call("BatchWriteItem", RequestItems={"tab": requests})
    made = await world.call("UpdateTable", TableName="tab", ReplicaUpdates=[{"Create": {"RegionName": AWAY}}])
    assert made["TableDescription"]["Replicas"][0]["ReplicaStatus"] == "CREATING"
    for number in range(0, 700, 50):
        await world.put(f"k{number}", n={"N": "1"})
        await world.delete(f"k{number + 1}")
    await world.house.settle()
    found = await world.items(AWAY)
    assert found == await world.items(HOME)
    assert len(found) == 700 - 14
    assert (await world.described())["Replicas"][0]["ReplicaStatus"] == "ACTIVE"


async def test_settings_that_are_shared_reach_all_replicas(world: World) -> None:
    await world.global_table()
    await world.call("UpdateTimeToLive", AWAY, TableName="tab", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    described = await world.call("DescribeTimeToLive", TableName="tab")
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    await world.put("a", g={"S": "x"})
    await world.call(
        "UpdateTable",
        TableName="tab",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    await world.house.advance(1)  # under chaos, indexes lag
    for region in (HOME, AWAY):
        (shown,) = (await world.described(region))["GlobalSecondaryIndexes"]
        assert (shown["IndexName"], shown["IndexStatus"]) == ("by-g", "ACTIVE")
        assert len((await world.call("Scan", region, TableName="tab", IndexName="by-g"))["Items"]) == 1


async def test_items_expire_in_all_replicas(world: World) -> None:
    await world.global_table()
    await world.call("UpdateTimeToLive", TableName="tab", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    await world.put("a", until={"N": str(world.house.node.clock.now_ms() // 1000 + 60)})
    await world.put("b", AWAY)
    await world.house.advance(120)
    assert set(await world.items(HOME)) == set(await world.items(AWAY)) == {"b"}


async def test_the_service_deletes_what_expired_where_it_was_written_and_others_follow(world: World) -> None:
    await world.global_table()
    await world.call("UpdateTimeToLive", TableName="tab", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    await world.put("a", AWAY, until={"N": str(world.house.node.clock.now_ms() // 1000 + 60)})
    await world.house.advance(120)
    assert await world.items(HOME) == await world.items(AWAY) == {}
    (home,), (away,) = [[one for one in await world.stream(region) if one["eventName"] == "REMOVE"] for region in (HOME, AWAY)]
    assert away["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert "userIdentity" not in home


async def test_replicas_keep_their_streams_and_their_own_reads(world: World) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    await world.global_table()
    with pytest.raises(ServiceError, match="cannot be disabled"):
        await world.call("UpdateTable", TableName="tab", StreamSpecification={"StreamEnabled": False})
    await world.call("UpdateTable", TableName="tab", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    await world.replicas({"Update": {"RegionName": AWAY, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 9}}})
    await world.call("UpdateTable", TableName="tab", ProvisionedThroughput={"ReadCapacityUnits": 6, "WriteCapacityUnits": 7})
    found = [(await world.described(region))["ProvisionedThroughput"] for region in (HOME, AWAY)]
    assert [(one["ReadCapacityUnits"], one["WriteCapacityUnits"]) for one in found] == [(6, 7), (9, 7)]
    (replica,) = (await world.described())["Replicas"]
    assert replica["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 9}


async def test_a_replica_may_go(world: World) -> None:
    await world.global_table("tab", AWAY, THIRD)
    await world.replicas({"Delete": {"RegionName": AWAY}})
    with pytest.raises(ServiceError) as refused:
        await world.described(AWAY)
    assert refused.value.code == "ResourceNotFoundException"
    assert [replica["RegionName"] for replica in (await world.described(THIRD))["Replicas"]] == [HOME]
    await world.put("a")
    await world.house.settle()
    assert set(await world.items(THIRD)) == {"a"}
    await world.call("DeleteTable", THIRD, TableName="tab")
    assert "Replicas" not in await world.described()
    await world.put("b")
    await world.house.settle()


async def test_what_was_on_its_way_to_a_replica_that_is_gone_reaches_no_other_table(world: World) -> None:
    await world.global_table()
    await world.put("a")
    await world.call("DeleteTable", AWAY, TableName="tab")
    await world.table(region=AWAY)
    await world.put("b")
    await world.house.settle()
    assert await world.items(AWAY) == {}
    assert set(await world.items(HOME)) == {"a", "b"}


async def test_what_makes_no_replica_is_refused(world: World) -> None:
    await world.global_table()
    await world.table("other", AWAY)
    await world.table("other")

    async def refusal(name: str, update: dict[str, Any]) -> str:
        with pytest.raises(ServiceError) as refused:
            await world.replicas(update, name=name)
        assert refused.value.code == "ValidationException"
        return refused.value.message

    assert "local region" in await refusal("tab", {"Create": {"RegionName": HOME}})
    assert "already existed as tables" in await refusal("other", {"Create": {"RegionName": AWAY}})
    assert "were not part of the global table" in await refusal("tab", {"Delete": {"RegionName": THIRD}})


async def test_tables_are_joined_in_the_legacy_way(world: World) -> None:
    await world.table()
    await world.table(region=AWAY)
    group = [{"RegionName": HOME}, {"RegionName": AWAY}]
    made = (await world.call("CreateGlobalTable", GlobalTableName="tab", ReplicationGroup=group))["GlobalTableDescription"]
    assert (made["GlobalTableStatus"], made["GlobalTableArn"]) == ("CREATING", f"arn:aws:dynamodb::{ACCOUNT}:global-table/tab")
    shown = (await world.call("DescribeGlobalTable", GlobalTableName="tab"))["GlobalTableDescription"]
    assert [replica["RegionName"] for replica in shown["ReplicationGroup"]] == [AWAY, HOME]
    assert shown["GlobalTableStatus"] == "ACTIVE"
    await world.put("a", AWAY, n={"N": "1"})
    await world.house.settle()
    home, away = (await world.items(HOME))["a"], (await world.items(AWAY))["a"]
    assert home == away
    assert home.keys() == {"n", *LEGACY_MARKS}
    assert (home["aws:rep:updateregion"], home["aws:rep:deleting"]) == ({"S": AWAY}, {"BOOL": False})
    assert abs(float(home["aws:rep:updatetime"]["N"]) * 1000 - world.house.node.clock.now_ms()) < 60_000
    await world.delete("a")
    await world.house.settle()
    assert await world.items(HOME) == await world.items(AWAY) == {}


async def test_legacy_global_tables_are_listed_changed_and_set_up(world: World) -> None:
    for region in (HOME, AWAY, THIRD):
        await world.table(region=region)
    with pytest.raises(ServiceError) as absent:
        await world.call("DescribeGlobalTable", GlobalTableName="tab")
    assert absent.value.code == "GlobalTableNotFoundException"
    await world.call("CreateGlobalTable", GlobalTableName="tab", ReplicationGroup=[{"RegionName": HOME}, {"RegionName": AWAY}])
    with pytest.raises(ServiceError) as again:
        await world.call("CreateGlobalTable", GlobalTableName="tab", ReplicationGroup=[{"RegionName": HOME}])
    assert again.value.code == "GlobalTableAlreadyExistsException"
    await world.call("UpdateGlobalTable", GlobalTableName="tab", ReplicaUpdates=[{"Create": {"RegionName": THIRD}}])
    await world.call("UpdateGlobalTable", GlobalTableName="tab", ReplicaUpdates=[{"Delete": {"RegionName": AWAY}}])
    listed = await world.call("ListGlobalTables", RegionName=THIRD)
    assert listed["GlobalTables"] == [{"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": THIRD}, {"RegionName": HOME}]}]
    assert (await world.call("ListGlobalTables", RegionName=AWAY))["GlobalTables"] == []
    replica = {"RegionName": THIRD, "ReplicaTableClass": "STANDARD_INFREQUENT_ACCESS"}
    await world.call("UpdateGlobalTableSettings", GlobalTableName="tab", ReplicaSettingsUpdate=[replica])
    assert (await world.described(THIRD))["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    settings = (await world.call("DescribeGlobalTableSettings", GlobalTableName="tab"))["ReplicaSettings"]
    assert [(one["RegionName"], one["ReplicaBillingModeSummary"]["BillingMode"]) for one in settings] == [
        (THIRD, "PAY_PER_REQUEST"),
        (HOME, "PAY_PER_REQUEST"),
    ]


def test_what_was_written_before_a_kill_reaches_the_other_region(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    table_of(account, shards=4)
    account.dynamodb.update_table(TableName="tab", ReplicaUpdates=[{"Create": {"RegionName": AWAY}}])
    for number in range(50):
        account.dynamodb.put_item(TableName="tab", Item={"p": {"S": f"k{number}"}})
    node.kill()
    account = Account(start_node(), account.id)
    account.node.advance(0.001)
    away = account.client("dynamodb", region_name=AWAY)
    assert away.scan(TableName="tab", Select="COUNT")["Count"] == 50
