"""A table against a model that walks through all of it each time."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.dynamodb.model import INDEXES, Failed, Index, Item, Key, Model
from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.errors import ServiceError
from tule.core.paging import Pager
from tule.services.dynamodb import creation, expiring, index_changes
from tule.services.dynamodb.operations import batches, items, queries, statements, transactions
from tule.services.dynamodb.state import counts
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.schema import SCHEMA
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

_names = itertools.count()
START_S = 1_800_000_000  # when a machine begins
LATE = Index("late", "g", "n", frozenset(("p", "n", "g")))  # added when there are items already

Params = dict[str, Any]

_key = st.tuples(st.sampled_from(["a", "b", "é\0"]), st.sampled_from([-20, -3, 0, 1, 7, 10, 100]))
_group = st.sampled_from(["x", "y"])
_extra = st.fixed_dictionaries(
    {},
    optional={
        "e": st.sampled_from([START_S - 5, START_S + 10, START_S + 60, START_S + 3_600]),
        "g": _group,
        "t": st.sampled_from(["", "1", "10", "2"]).filter(bool),
        "a": st.integers(-5, 5),
        "l": st.lists(st.integers(0, 3)),
    },
)
_item = st.builds(lambda key, extra: {"p": key[0], "n": key[1], **extra}, _key, _extra)


@dataclass(frozen=True)
class Put:
    item: Item
    only_new: bool


@dataclass(frozen=True)
class Delete:
    key: Key
    only_with: str | None


@dataclass(frozen=True)
class Add:
    """`ADD a :by`, and a new group or none."""

    key: Key
    by: int
    group: str | None


@dataclass(frozen=True)
class Batch:
    puts: list[Item]
    deletes: list[Key]


@dataclass(frozen=True)
class Together:
    puts: list[Put]
    adds: list[Add]


@dataclass(frozen=True)
class Query:
    p: str
    span: tuple[int, int]
    forward: bool
    limit: int


@dataclass(frozen=True)
class Scan:
    segments: int
    limit: int


@dataclass(frozen=True)
class Insert:
    """PartiQL's INSERT."""

    item: Item


@dataclass(frozen=True)
class Replace:
    """PartiQL's UPDATE: `SET a = ...` of an item that must be there; `a` None removes it."""

    key: Key
    a: int | None


@dataclass(frozen=True)
class Select:
    """PartiQL's SELECT of a partition key, from a sort key on."""

    p: str
    low: int
    limit: int


@dataclass(frozen=True)
class StatementsTogether:
    """A transaction of an INSERT and a DELETE, on condition that an item is there."""

    item: Item
    gone: Key
    present: Key


@dataclass(frozen=True)
class Pass:
    """Time goes by, and items expire."""

    seconds: int


Step = Put | Delete | Add | Batch | Together | Query | Scan | Insert | Replace | Select | StatementsTogether | Pass

_span = st.tuples(st.integers(-25, 110), st.integers(0, 100)).map(lambda pair: (pair[0], pair[0] + pair[1]))
_put = st.builds(Put, _item, st.booleans())
_add = st.builds(Add, _key, st.integers(-3, 3), st.none() | _group)
_steps = st.lists(
    st.one_of(
        _put,
        _put,
        st.builds(Delete, _key, st.none() | st.sampled_from("ga")),
        _add,
        st.builds(Batch, st.lists(_item, max_size=4), st.lists(_key, max_size=2)),
        st.builds(Together, st.lists(_put, min_size=1, max_size=3), st.lists(_add, max_size=2)),
        st.builds(Query, _key.map(lambda key: key[0]), _span, st.booleans(), st.integers(1, 4)),
        st.builds(Scan, st.integers(1, 3), st.integers(1, 5)),
        st.builds(Insert, _item),
        st.builds(Replace, _key, st.none() | st.integers(-3, 3)),
        st.builds(Select, _key.map(lambda key: key[0]), st.integers(-25, 110), st.integers(1, 4)),
        st.builds(StatementsTogether, _item, _key, _key),
        st.builds(Pass, st.sampled_from([1, 30, 600])),
    ),
    min_size=10,
    max_size=30,
)


def _value(value: Any) -> Params:
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": value} if isinstance(value, str) else {"L": [_value(one) for one in value]}


def _wire(item: Item) -> Params:
    return {name: _value(value) for name, value in item.items()}


def _plain(item: Params) -> Item:
    def plain(value: Params) -> Any:
        kind, inner = next(iter(value.items()))
        return int(inner) if kind == "N" else [plain(one) for one in inner] if kind == "L" else inner

    return {name: plain(value) for name, value in item.items()}


def _wire_key(key: Key) -> Params:
    return _wire({"p": key[0], "n": key[1]})


@pytest.fixture(params=KINDS)
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    async with opened(request.param, tmp_path, clock) as store:
        await store.migrate("service:dynamodb", SCHEMA)
        meter = SimpleNamespace(add=lambda *_: None)  # pyright: ignore[reportUnknownLambdaType]
        everyone = SimpleNamespace(authorize=_allow)
        yield SimpleNamespace(store=store, clock=clock, memory={}, config=Config(), meter=meter, authorizer=everyone, pager=Pager(b"secret"))


async def _allow(*_: object) -> None:
    pass


class Machine:
    """A table and its model, which take the same steps."""

    def __init__(self, node: Any, name: str) -> None:
        self.node, self.name, self.model = node, name, Model()
        self.seconds = START_S
        node.clock.freeze(START_S * 1000)

    async def ask(self, operation: Callable[..., Any], **params: Any) -> Params:
        """Call an operation; its answer as JSON shows it."""
        name = "".join(word.capitalize() for word in operation.__name__.split("_"))
        call: Any = SimpleNamespace(node=self.node, account=_ACCOUNT, region=_REGION, operation=name, headers={}, now_ms=0, measured=None)
        if iscoroutinefunction(operation):
            return orjson.loads(orjson.dumps(await operation(call, params)))
        run = self.node.store.read if getattr(operation, "__tule_reads__", False) else self.node.store.write
        return orjson.loads(orjson.dumps(await run(lambda tx: operation(call, tx, params))))

    async def take(self, step: Step) -> None:
        match step:
            case Put():
                await self._put(step)
            case Delete():
                await self._delete(step)
            case Add():
                await self._add(step)
            case Batch():
                await self._batch(step)
            case Together():
                await self._together(step)
            case Query():
                await self._query(step)
            case Scan():
                await self._scan(step)
            case Insert():
                statement = f'INSERT INTO "{self.name}" VALUE {_literal(step.item)}'
                await self._both(partial(self.model.put, step.item, only_new=True), statements.execute_statement, Statement=statement)
            case Replace():
                await self._replace(step)
            case Select():
                await self._select(step)
            case StatementsTogether():
                await self._statements_together(step)
            case Pass():
                self.seconds += step.seconds
                self.node.clock.freeze(self.seconds * 1000)
                await expiring.expire(self.node)
                self.model.expire(self.seconds)

    async def _both(self, wanted: Callable[[], Any], operation: Callable[..., Any], **params: Any) -> tuple[Any, Params | None]:
        """What the model gives and what the operation answers; None twice where both refuse."""
        try:
            expected = wanted()
        except Failed:
            with pytest.raises(ServiceError) as refused:
                await self.ask(operation, **params)
            assert refused.value.code in ("ConditionalCheckFailedException", "TransactionCanceledException", "DuplicateItemException")
            return None, None
        return expected, await self.ask(operation, **params)

    async def _put(self, step: Put) -> None:
        params = {"TableName": self.name, "Item": _wire(step.item), "ReturnValues": "ALL_OLD", **_only_new(step)}
        old, answer = await self._both(partial(self.model.put, step.item, only_new=step.only_new), items.put_item, **params)
        _same(old, answer)

    async def _delete(self, step: Delete) -> None:
        condition = {} if step.only_with is None else {"ConditionExpression": f"attribute_exists({step.only_with})"}
        params = {"TableName": self.name, "Key": _wire_key(step.key), "ReturnValues": "ALL_OLD", **condition}
        old, answer = await self._both(partial(self.model.delete, step.key, only_with=step.only_with), items.delete_item, **params)
        _same(old, answer)

    async def _add(self, step: Add) -> None:
        params = {"TableName": self.name, "Key": _wire_key(step.key), "ReturnValues": "ALL_NEW", **_expression(step)}
        new, answer = await self._both(partial(self.model.update, step.key, partial(_apply, step)), items.update_item, **params)
        _same(new, answer)

    async def _batch(self, step: Batch) -> None:
        puts = {(item["p"], item["n"]): item for item in step.puts}
        deletes = dict.fromkeys(key for key in step.deletes if key not in puts)
        for item in puts.values():
            self.model.put(item)
        for key in deletes:
            self.model.delete(key)
        requests = [{"PutRequest": {"Item": _wire(item)}} for item in puts.values()]
        requests += [{"DeleteRequest": {"Key": _wire_key(key)}} for key in deletes]
        if requests:
            answer = await self.ask(batches.batch_write_item, RequestItems={self.name: requests})
            assert answer["UnprocessedItems"] == {}

    async def _together(self, step: Together) -> None:
        puts = {(put.item["p"], put.item["n"]): put for put in step.puts}
        adds = {add.key: add for add in step.adds if add.key not in puts}
        writes: list[Callable[[Model], object]] = []
        parts: list[Params] = []
        for put in puts.values():
            writes.append(partial(_put_into, put))
            parts.append({"Put": {"TableName": self.name, "Item": _wire(put.item), **_only_new(put)}})
        for add in adds.values():
            writes.append(partial(_add_into, add))
            parts.append({"Update": {"TableName": self.name, "Key": _wire_key(add.key), **_expression(add)}})
        await self._both(partial(self.model.together, writes), transactions.transact_write_items, TransactItems=parts)

    async def _query(self, step: Query) -> None:
        params = {
            "KeyConditionExpression": "p = :p AND n BETWEEN :low AND :high",
            "ExpressionAttributeValues": _wire({":p": step.p, ":low": step.span[0], ":high": step.span[1]}),
            "ScanIndexForward": step.forward,
        }
        found = await self.every_page(queries.query, step.limit, **params)
        assert found == self.model.query(step.p, *step.span, forward=step.forward)

    async def _scan(self, step: Scan) -> None:
        found: list[Item] = []
        for segment in range(step.segments):
            found += await self.every_page(queries.scan, step.limit, Segment=segment, TotalSegments=step.segments)
        assert _sorted(found) == _sorted(list(self.model.items.values()))

    async def _replace(self, step: Replace) -> None:
        def change(item: Item) -> None:
            if step.a is None:
                item.pop("a", None)
            else:
                item["a"] = step.a

        action = "REMOVE a" if step.a is None else f"SET a = {step.a}"
        statement = f'UPDATE "{self.name}" {action} WHERE {_named(step.key)} RETURNING ALL NEW *'
        wanted = partial(self.model.update, step.key, change, only_there=True)
        new, answer = await self._both(wanted, statements.execute_statement, Statement=statement)
        assert answer is None or [_plain(item) for item in answer["Items"]] == [new]

    async def _select(self, step: Select) -> None:
        statement = f'SELECT * FROM "{self.name}" WHERE p = ? AND n >= ?'
        asked: Params = {"Statement": statement, "Parameters": [{"S": step.p}, {"N": str(step.low)}], "Limit": step.limit}
        found: list[Item] = []
        answer: Params = {"NextToken": None}
        while "NextToken" in answer:
            more = {} if answer["NextToken"] is None else {"NextToken": answer["NextToken"]}
            answer = await self.ask(statements.execute_statement, **asked, **more)
            found += [_plain(item) for item in answer["Items"]]
        assert found == self.model.query(step.p, step.low, 1_000)

    async def _statements_together(self, step: StatementsTogether) -> None:
        keys = [(step.item["p"], step.item["n"]), step.gone, step.present]
        if len(set(keys)) < len(keys):
            return
        asked = [
            f'INSERT INTO "{self.name}" VALUE {_literal(step.item)}',
            f'DELETE FROM "{self.name}" WHERE {_named(step.gone)}',
            f'EXISTS(SELECT * FROM "{self.name}" WHERE {_named(step.present)} AND p IS NOT MISSING)',
        ]
        writes: list[Callable[[Model], object]] = [
            partial(Model.put, item=step.item, only_new=True),
            partial(Model.delete, key=step.gone),
            partial(Model.require, key=step.present),
        ]
        parts = [{"Statement": statement} for statement in asked]
        await self._both(partial(self.model.together, writes), statements.execute_transaction, TransactStatements=parts)

    async def every_page(self, operation: Callable[..., Any], limit: int, **params: Any) -> list[Item]:
        found: list[Item] = []
        start: Params = {}
        while True:
            answer = await self.ask(operation, TableName=self.name, Limit=limit, **params, **start)
            found += [_plain(item) for item in answer["Items"]]
            assert answer["Count"] == answer["ScannedCount"] == len(answer["Items"]) <= limit
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def check_indexes(self, *indexes: Index) -> None:
        """Both directions and pages of two and all: the same items, in the order of the index's sort key."""
        for index in indexes:
            for value in ("a", "b", "é\0") if index.hash == "p" else ("x", "y"):
                expected = self.model.of_index(index, value)
                for forward in (True, False):
                    params = {
                        "IndexName": index.name,
                        "KeyConditionExpression": f"{index.hash} = :v",
                        "ExpressionAttributeValues": {":v": {"S": value}},
                        "ScanIndexForward": forward,
                    }
                    found = await self.every_page(queries.query, 2, **params)
                    assert _sorted(found) == _sorted(expected)
                    if index.range is not None:
                        times = [item[index.range] for item in found]
                        assert times == sorted(times, reverse=not forward)


def _named(key: Key) -> str:
    return f"p = '{key[0]}' AND n = {key[1]}"


def _literal(item: Item) -> str:
    """An item as PartiQL writes it."""
    return "{" + ", ".join(f"'{name}': {_text(value)}" for name, value in item.items()) + "}"


def _text(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _only_new(put: Put) -> Params:
    return {"ConditionExpression": "attribute_not_exists(p)"} if put.only_new else {}


def _expression(add: Add) -> Params:
    if add.group is None:
        return {"UpdateExpression": "ADD a :by REMOVE g", "ExpressionAttributeValues": _wire({":by": add.by})}
    return {"UpdateExpression": "SET g = :g ADD a :by", "ExpressionAttributeValues": _wire({":by": add.by, ":g": add.group})}


def _apply(add: Add, item: Item) -> None:
    item["a"] = item.get("a", 0) + add.by
    item.pop("g", None)
    if add.group is not None:
        item["g"] = add.group


def _put_into(put: Put, model: Model) -> None:
    model.put(put.item, only_new=put.only_new)


def _add_into(add: Add, model: Model) -> None:
    model.update(add.key, partial(_apply, add))


def _same(expected: Item | None, answer: Params | None) -> None:
    if answer is not None:
        shown = answer.get("Attributes")
        assert (None if shown is None else _plain(shown)) == expected


def _sorted(found: list[Item]) -> list[Item]:
    return sorted(found, key=lambda item: (item["p"], item["n"]))


def _index_params(index: Index) -> Params:
    schema = [{"AttributeName": index.hash, "KeyType": "HASH"}]
    if index.range is not None:
        schema.append({"AttributeName": index.range, "KeyType": "RANGE"})
    if index.shown is None:
        return {"IndexName": index.name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
    others = sorted(index.shown - {"p", "n", index.hash, index.range})
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": others} if others else {"ProjectionType": "KEYS_ONLY"}
    return {"IndexName": index.name, "KeySchema": schema, "Projection": projection}


_DEFINITIONS = [{"AttributeName": name, "AttributeType": kind} for name, kind in (("p", "S"), ("n", "N"), ("g", "S"), ("t", "S"))]


_ACCOUNT, _REGION = "111111111111", "us-east-1"


async def _machine(node: Any) -> Machine:
    machine = Machine(node, f"table-{next(_names)}")
    params = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": _DEFINITIONS,
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [_index_params(index) for index in INDEXES[:2]],
        "LocalSecondaryIndexes": [_index_params(index) for index in INDEXES[2:]],
    }

    def create(tx: Tx) -> None:
        rows.create(tx, rows.new_id(tx), _ACCOUNT, _REGION, machine.name, {**creation.config_of(tx, params, None), "ttl_attribute": "e"})

    await node.store.write(create)
    return machine


def _add_late_index(name: str, tx: Tx) -> None:
    table = index_changes.add(tx, _table(tx, name), _index_params(LATE), {})
    index_changes.fill(tx, table, table.indexes[-1])


def _table(tx: Tx, name: str) -> Table:
    table = rows.find(tx, _ACCOUNT, _REGION, name)
    assert table is not None
    return table


def _index_sizes(name: str, tx: Tx) -> dict[str, int]:
    return {index.name: counts.index(tx, index.id)[0] for index in _table(tx, name).indexes}


def _kept_sizes(tx: Tx) -> int:
    """What is known of the sizes of all item collections."""
    row = tx.one("SELECT coalesce(sum(size), 0) FROM dynamodb_collections")
    return -1 if row is None else int(row[0])


def _counted_sizes(tx: Tx) -> int:
    """The same, counted."""
    local = [id for table in rows.everywhere(tx) for id in table.local_indexes]
    items = sum(counts.table(tx, table.id)[1] for table in rows.everywhere(tx))
    return items + sum(counts.index(tx, id)[1] for id in local)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=_steps)
async def test_a_table_and_its_indexes_are_what_the_model_says(node: Any, steps: list[Step]) -> None:
    machine = await _machine(node)
    for step in steps:
        await machine.take(step)
    await machine.take(Scan(2, 3))
    await machine.check_indexes(*INDEXES)
    await node.store.write(partial(_add_late_index, machine.name))
    await machine.check_indexes(LATE)
    assert await node.store.read(_kept_sizes) == await node.store.read(_counted_sizes)
    sizes = {index.name: len(machine.model.indexed(index)) for index in (*INDEXES, LATE)}
    assert await node.store.read(partial(_index_sizes, machine.name)) == sizes
