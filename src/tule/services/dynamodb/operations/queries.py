"""Query and Scan.  AWS: DynamoDB API reference."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tule.lang.dynamodb import clauses
from tule.lang.dynamodb.clauses import Reading
from tule.lang.dynamodb.key_conditions import KeyCondition, KeyConditions
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import capacity, items, keys, pages, refusals, starting, throttling
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.pages import Page
from tule.services.dynamodb.selecting import Selection, selection
from tule.services.dynamodb.state import index_items as index_rows
from tule.services.dynamodb.state import items as item_rows
from tule.services.dynamodb.state.index_items import Place
from tule.services.dynamodb.state.items import Position, Span
from tule.services.dynamodb.table import Index, Table
from tule.services.dynamodb.tables import find
from tule.store.store import Tx

Params = dict[str, Any]
Item = dict[str, Any]
Rows = Iterator[tuple[bytes, int]]

NO_LIMIT = 1 << 31
LAG_MS = 500  # of global indexes behind their tables, under chaos


@reads
def query(call: Call, tx: Tx, params: Params) -> Any:
    return Walk(call, params, clauses.queried(params)).begin(tx)


@reads
def scan(call: Call, tx: Tx, params: Params) -> Any:
    reading = clauses.scanned(params)
    _check_segments(params)
    return Walk(call, params, reading).begin(tx)


class _Slice(NamedTuple):
    """A part of a page: what was found, the units that fetching from the table took, and the key where it ends."""

    page: Page
    units: float
    end: Item


class Walk:
    """What a Query or a Scan reads, however it was asked for: a page, in slices where it takes long.

    A page is no snapshot at AWS either, so each slice is a transaction of its own that goes on where the one before it ended.
    """

    def __init__(self, call: Call, params: Params, reading: Reading) -> None:
        self._call = call
        self._params = params
        self._reading = reading
        self._slices: list[_Slice] = []

    def begin(self, tx: Tx) -> Any:
        """The answer; a coroutine function that completes it, where the page takes long.  Raises what the operations do."""
        step = self._step(tx)
        if not isinstance(step, _Slice):
            return step
        self._slices.append(step)
        return self.answer

    async def answer(self) -> Params:
        """The same, but always the answer."""
        while True:
            step = await self._call.node.store.read(self._step)
            if not isinstance(step, _Slice):
                return step
            self._slices.append(step)
            await asyncio.sleep(0)  # others are served meanwhile

    def _step(self, tx: Tx) -> Params | _Slice:
        """The next slice, or the answer when it is the last."""
        call, reading, before = self._call, self._reading, self._slices
        params: Params = {**self._params, "ExclusiveStartKey": before[-1].end} if before else self._params
        table = find(call.node, tx, call.account, call.region, params["TableName"])
        index = _index(table, params)
        condition = None if reading.keys is None else _condition(table, index, reading, reading.keys)
        chosen = selection(params, table, index, reading.projection, "Scanning" if condition is None else "Querying")
        if not before:
            throttling.check(call, table, "read", None if index is None else index.name)
        limit, room = params.get("Limit"), pages.BYTES
        if before:
            limit = None if limit is None else limit - sum(one.page.scanned for one in before)
            room -= sum(one.page.size for one in before)
        rows = (
            _everything(call, tx, params, table, index, limit) if condition is None else _partition(call, tx, params, table, index, condition, limit)
        )
        page, fetched = _page(tx, params, table, reading, chosen, rows, limit, room)
        if page.is_cut:
            return _Slice(page, fetched, starting.last_key(table, index, page.last))
        if before:
            page, fetched = pages.joined([*(one.page for one in before), page]), fetched + sum(one.units for one in before)
        return _answer(call, tx, self._params, table, index, chosen, page, fetched)


def _condition(table: Table, index: Index | None, reading: Reading, keys: KeyConditions) -> KeyCondition:
    names = table.keys if index is None else index.keys
    condition = keys.on(names.hash, names.range, table.types)
    reading.check_filter(names.all)
    return condition


def _index(table: Table, params: Params) -> Index | None:
    name = params.get("IndexName")
    if name is None:
        return None
    index = table.index(name)
    if index is None:
        raise refusals.no_index(name)
    if index.is_global and params.get("ConsistentRead"):
        raise validation("Consistent reads are not supported on global secondary indexes")
    if not index.is_readable:
        raise validation(f"Cannot read from backfilling global secondary index: {name}")
    return index


def _seen_ms(call: Call, tx: Tx, index: Index) -> int | None:
    """Up to when a global index has seen its table: as of now, unless somebody asked for chaos."""
    return tx.now_ms - LAG_MS if index.is_global and call.node.config.chaos else None


# Rows of a query.


def _partition(call: Call, tx: Tx, params: Params, table: Table, index: Index | None, condition: KeyCondition, limit: int | None) -> Rows:
    names = table.keys if index is None else index.keys
    hash = keys.hash_of(table.types, names.hash, dict(zip(names.hash, condition.hash, strict=True)))
    span = _span(table, index, condition)
    forward: bool = params.get("ScanIndexForward", True)
    most = NO_LIMIT if limit is None else limit
    start = starting.start_key(params, table, index, refusals.starting_key_invalid())
    if index is None:
        after = None if start is None else _position_within(table, start, hash, span, condition)
        return item_rows.page(tx, table.id, hash, _beyond(span, after, forward=forward), most, forward=forward)
    place = None if start is None else _place_within(table, index, start, hash, span, condition)
    return index_rows.page(tx, index.id, hash, span, place, most, forward=forward, written_ms=_seen_ms(call, tx, index))


def _span(table: Table, index: Index | None, condition: KeyCondition) -> Span:
    """The sort keys that the condition lets in."""
    names = table.keys if index is None else index.keys
    if not condition.range:
        return Span()
    *equal, last = [[keys.encoded(table.types[one.attribute], value[table.types[one.attribute]]) for value in one.values] for one in condition.range]
    return keys.span(names, [operands[0] for operands in equal], condition.range[-1].operator, last)


def _position_within(table: Table, start: Item, hash: bytes, span: Span, condition: KeyCondition) -> Position:
    if not table.keys.range:
        raise starting.not_restartable(start)
    at = keys.position(table, start)
    _check_within(at.hash, at.range, hash, span, condition)
    return at


def _place_within(table: Table, index: Index, start: Item, hash: bytes, span: Span, condition: KeyCondition) -> Place:
    place = keys.place(table, index, start, keys.position(table, start))
    if place is None:
        raise refusals.starting_key_invalid()
    _check_within(place.hash, place.range, hash, span, condition)
    return place


def _check_within(hash: bytes, range: bytes, wanted: bytes, span: Span, condition: KeyCondition) -> None:
    if hash != wanted:
        is_point = bool(condition.range) and condition.range[-1].operator == "="
        raise starting.only_one_row() if is_point else starting.outside_partition()
    if range < span.low or (span.high is not None and range >= span.high):
        raise starting.outside_range()


def _beyond(span: Span, after: Position | None, *, forward: bool) -> Span:
    if after is None:
        return span
    return Span(after.range + b"\x00", span.high) if forward else Span(span.low, after.range)


# Rows of a scan.


def _check_segments(params: Params) -> None:
    segment, total = params.get("Segment"), params.get("TotalSegments")
    if segment is not None and total is None:
        raise validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
    if segment is None and total is not None:
        raise validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
    if segment is not None and total is not None and segment >= total:
        raise validation(
            f"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than"
            f" TotalSegments: {total}"
        )


def _everything(call: Call, tx: Tx, params: Params, table: Table, index: Index | None, limit: int | None) -> Rows:
    segment, total = params.get("Segment", 0), params.get("TotalSegments", 1)
    low, high = keys.segment(segment, total)
    most = NO_LIMIT if limit is None else limit
    start = starting.start_key(params, table, index, refusals.starting_key_invalid("The provided key element does not match the schema"))
    if index is None:
        after = Position(low, b"") if start is None else keys.position(table, start)
        _check_in_segment(after.hash, low, high, params)
        return item_rows.scan(tx, table.id, after, high, most)
    place = Place(low, b"", b"") if start is None else keys.place(table, index, start, keys.position(table, start))
    if place is None:
        raise refusals.starting_key_invalid()
    _check_in_segment(place.hash, low, high, params)
    return index_rows.scan(tx, index.id, place, high, most, written_ms=_seen_ms(call, tx, index))


def _check_in_segment(hash: bytes, low: bytes, high: bytes | None, params: Params) -> None:
    if hash < low or (high is not None and hash >= high):
        raise refusals.starting_key_invalid(
            "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment."
            f" TotalSegments: {params['TotalSegments']} Segment: {params['Segment']}"
        )


# From rows to answers.


def _page(tx: Tx, params: Params, table: Table, reading: Reading, chosen: Selection, rows: Rows, limit: int | None, room: int) -> tuple[Page, float]:
    """The page, or the next slice of it, and the units that fetching from the table took."""
    units: list[float] = []
    if chosen.fetches:
        rows = _fetched(tx, table, rows, units, consistent=params.get("ConsistentRead", False))
    if reading.filter is None and chosen.show is None:
        return pages.whole(rows, limit, room), sum(units)
    matches = None if reading.filter is None else reading.filter.matches
    return pages.chosen(rows, limit, matches, chosen.show, room), sum(units)


def _fetched(tx: Tx, table: Table, rows: Rows, units: list[float], *, consistent: bool) -> Rows:
    """Each item whole, as it lies in the table."""
    for data, size in rows:
        found = items.find(tx, table, keys.position(table, orjson.loads(data)))
        if found is not None:
            units.append(capacity.read_units(found.size, consistent=consistent))
            yield found.data, size


def _answer(call: Call, tx: Tx, params: Params, table: Table, index: Index | None, chosen: Selection, page: Page, fetched: float) -> Params:
    answer: Params = {"Count": page.count, "ScannedCount": page.scanned}
    if not chosen.counts:
        answer["Items"] = page.shown
    if page.more:
        answer["LastEvaluatedKey"] = starting.last_key(table, index, page.last)
    mode = params.get("ReturnConsumedCapacity")
    usage = _usage(call, params, table, index, page, fetched)
    throttling.use(call, tx, usage, "read")
    if mode is not None:
        answer["ConsumedCapacity"] = capacity.consumed(usage, mode)
    return answer


def _usage(call: Call, params: Params, table: Table, index: Index | None, page: Page, fetched: float) -> Usage:
    consistent = params.get("ConsistentRead", False)
    if index is not None:
        used = capacity.read_units(page.size, consistent=consistent)
        return Usage(table, fetched, {index.name: used}, touches_table=fetched > 0, named=params["TableName"])
    is_whole_scan = call.operation == "Scan" and "Limit" not in params and "TotalSegments" not in params
    count = capacity.scan_units if is_whole_scan else None
    units = count(table, page.size, consistent=consistent) if count else capacity.read_units(page.size, consistent=consistent)
    return Usage(table, units, named=params["TableName"])
