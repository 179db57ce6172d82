"""Metrics: numbers over time, kept by series as summaries of a minute, or of a second where that was asked for.

A series is an account's, in a region: a namespace, a name, and dimensions in the order of their names.  A summary holds
count, sum, least and greatest value, and how often each value came, rounded to three digits, from which percentiles are told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE metric_series (
    series TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    last_ms INTEGER NOT NULL
);
CREATE INDEX metric_series_by_name ON metric_series (account, region, namespace, name, series);
CREATE TABLE metric_points (
    series TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    unit TEXT NOT NULL,
    count REAL NOT NULL,
    sum REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    seen BLOB NOT NULL,
    PRIMARY KEY (series, at_ms, unit)
);
CREATE INDEX metric_points_by_age ON metric_points (at_ms);
"""

DIGITS = 3
MAX_VALUES = 2_000  # kept apart in one summary; beyond that percentiles rest on those that came first

_SERIES = (
    "INSERT INTO metric_series (series, account, region, namespace, name, dimensions, last_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (series) DO UPDATE SET last_ms ="
    " CASE WHEN metric_series.last_ms < excluded.last_ms THEN excluded.last_ms ELSE metric_series.last_ms END"
)
_POINT = "SELECT count, sum, low, high, seen FROM metric_points WHERE series = ? AND at_ms = ? AND unit = ?"
_PUT = (
    "INSERT INTO metric_points (series, at_ms, unit, count, sum, low, high, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (series, at_ms, unit) DO UPDATE SET count = excluded.count, sum = excluded.sum, low = excluded.low, high = excluded.high,"
    " seen = excluded.seen"
)
_POINTS = "SELECT at_ms, unit, count, sum, low, high, seen FROM metric_points WHERE series = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms, unit"
_LISTED = (
    "SELECT series, namespace, name, dimensions, last_ms FROM metric_series WHERE account = ? AND region = ? AND last_ms >= ?"
    " AND (namespace, name, series) > (?, ?, ?)"
)
_ORDER = " ORDER BY namespace, name, series LIMIT ?"
_OLD = "SELECT series, at_ms, unit, count, sum, low, high, seen FROM metric_points WHERE at_ms < ? ORDER BY at_ms LIMIT ?"
_FINE = "SELECT series, at_ms, unit, count, sum, low, high, seen FROM metric_points WHERE at_ms < ? AND at_ms % ? <> 0 ORDER BY at_ms LIMIT ?"
_DROP = "DELETE FROM metric_points WHERE series = ? AND at_ms = ? AND unit = ?"
_DROP_SERIES = "DELETE FROM metric_series WHERE last_ms < ?"

Dimensions = tuple[tuple[str, str], ...]


class Series(NamedTuple):
    """`dimensions` in the order of their names."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions

    @property
    def id(self) -> str:
        return hashlib.blake2b(orjson.dumps(tuple(self)), digest_size=16).hexdigest()


@dataclass(slots=True)
class Summary:
    count: float = 0.0
    sum: float = 0.0
    low: float = 0.0
    high: float = 0.0
    seen: dict[float, float] = field(default_factory=dict[float, float])

    def add(self, value: float, count: float = 1.0) -> None:
        if self.count == 0:
            self.low = self.high = value
        elif value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        self.count += count
        self.sum += value * count
        self._saw(value, count)

    def merge(self, other: Summary) -> None:
        if other.count == 0:
            return
        self.low = other.low if self.count == 0 else min(self.low, other.low)
        self.high = other.high if self.count == 0 else max(self.high, other.high)
        self.count += other.count
        self.sum += other.sum
        for value, count in other.seen.items():
            self._saw(value, count)

    def average(self) -> float:
        return self.sum / self.count

    def percentile(self, rank: float) -> float:
        """The value below which `rank` per cent of all values lie; nearest rank, within the least and the greatest."""
        wanted, passed = sum(self.seen.values()) * rank / 100, 0.0
        for value in sorted(self.seen):
            passed += self.seen[value]
            if passed >= wanted:
                return min(max(value, self.low), self.high)
        return self.high

    def _saw(self, value: float, count: float) -> None:
        rounded = float(f"{value:.{DIGITS}g}")
        if rounded in self.seen or len(self.seen) < MAX_VALUES:
            self.seen[rounded] = self.seen.get(rounded, 0.0) + count


class Point(NamedTuple):
    at_ms: int
    unit: str
    summary: Summary


class Listed(NamedTuple):
    """One series, as it is listed."""

    id: str
    namespace: str
    name: str
    dimensions: Dimensions
    last_ms: int


def merge(tx: Tx, gathered: Iterable[tuple[Series, int, str, Summary]]) -> None:
    """Add summaries (series, time, unit, summary) to what is there."""
    for series, at_ms, unit, summary in gathered:
        id = series.id
        tx.execute(_SERIES, id, series.account, series.region, series.namespace, series.name, orjson.dumps(series.dimensions).decode(), at_ms)
        _add(tx, id, at_ms, unit, summary)


def points(tx: Tx, series_id: str, begin_ms: int, end_ms: int) -> Iterator[Point]:
    for at_ms, unit, *rest in tx.each(_POINTS, series_id, begin_ms, end_ms):
        yield Point(at_ms, unit, _summary(rest))


def listed(
    tx: Tx,
    account: str,
    region: str,
    *,
    namespace: str = "",
    name: str = "",
    since_ms: int = 0,
    after: tuple[str, str, str] = ("", "", ""),
    limit: int,
) -> list[Listed]:
    """Series that had a point since `since_ms`, by namespace and name; `after` is the last one's (namespace, name, id)."""
    sql, params = _LISTED, [account, region, since_ms, *after]
    for column, wanted in (("namespace", namespace), ("name", name)):
        if wanted:
            sql += f" AND {column} = ?"
            params.append(wanted)
    rows = tx.all(sql + _ORDER, *params, limit)
    return [Listed(id, space, title, tuple((key, value) for key, value in orjson.loads(dims)), last) for id, space, title, dims, last in rows]


def coarsen(tx: Tx, before_ms: int, period_ms: int, limit: int) -> int:
    """Gather up to `limit` of the points older than `before_ms` into periods; how many went into others."""
    rows = tx.all(_FINE, before_ms, period_ms, limit)
    for series, at_ms, unit, *rest in rows:
        tx.execute(_DROP, series, at_ms, unit)
        _add(tx, series, at_ms - at_ms % period_ms, unit, _summary(rest))
    return len(rows)


def drop(tx: Tx, before_ms: int, limit: int) -> int:
    """Remove up to `limit` points older than `before_ms`, and series without any; how many points went."""
    rows = tx.all(_OLD, before_ms, limit)
    for series, at_ms, unit, *_ in rows:
        tx.execute(_DROP, series, at_ms, unit)
    tx.execute(_DROP_SERIES, before_ms)
    return len(rows)


def _add(tx: Tx, series_id: str, at_ms: int, unit: str, summary: Summary) -> None:
    row = tx.one(_POINT, series_id, at_ms, unit)
    whole = Summary() if row is None else _summary(row)
    whole.merge(summary)
    seen = orjson.dumps([[value, count] for value, count in whole.seen.items()])
    tx.execute(_PUT, series_id, at_ms, unit, whole.count, whole.sum, whole.low, whole.high, seen)


def _summary(row: Iterable[object]) -> Summary:
    count, total, low, high, seen = row
    return Summary(count, total, low, high, dict(orjson.loads(seen)))  # type: ignore[arg-type]
