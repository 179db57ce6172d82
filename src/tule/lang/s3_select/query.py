"""A parsed query, and its run over records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, cast

from tule.lang.s3_select.failures import SelectFailed
from tule.lang.s3_select.records import Line, Record, Step, spread
from tule.lang.s3_select.values import Value, compare, is_absent, number, reckon


class Scope(NamedTuple):
    """What an expression is evaluated in: the record, and at the end the totals of the aggregates."""

    record: Record
    totals: Sequence[Value]


Expression = Callable[[Scope], Value]


class Column(NamedTuple):
    name: str
    of: Expression


class Aggregate(NamedTuple):
    """`of` None: COUNT(*)."""

    kind: str
    of: Expression | None


class Query(NamedTuple):
    """`columns` None: all."""

    columns: Sequence[Column] | None
    path: Sequence[Step]
    where: Expression | None
    limit: int | None
    aggregates: Sequence[Aggregate]


Row = list[tuple[str, Value]] | Value  # pairs of name and value, or a whole value of JSON


class Run:
    """Raises SelectFailed."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._left = query.limit
        self._totals = [_Total(each.kind) for each in query.aggregates]

    @property
    def is_over(self) -> bool:
        """Whether no further record can change the answer."""
        return self._left == 0

    def take(self, record: Record) -> Iterator[Row]:
        """The rows that one record gives."""
        query = self._query
        for each in spread(record, query.path):
            scope = Scope(each, ())
            if self.is_over or (query.where is not None and query.where(scope) is not True):
                continue
            if query.aggregates:
                self._count(scope)
                continue
            if self._left is not None:
                self._left -= 1
            yield self._row(scope)

    def _count(self, scope: Scope) -> None:
        for total, aggregate in zip(self._totals, self._query.aggregates, strict=True):
            total.add(1 if aggregate.of is None else aggregate.of(scope))

    def _row(self, scope: Scope) -> Row:
        if self._query.columns is None:
            return scope.record.pairs() if isinstance(scope.record, Line) else scope.record
        return [(column.name, column.of(scope)) for column in self._query.columns]

    def end(self) -> Iterator[Row]:
        """The row of aggregates, if the query has any."""
        if self._query.aggregates and self._query.columns is not None and self._left != 0:
            yield self._row(Scope(cast("dict[str, Any]", {}), [total.value for total in self._totals]))


class _Total:
    """One aggregate, so far."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._count = 0
        self._value: Value = None

    def add(self, value: Value) -> None:
        if is_absent(value):
            return
        self._count += 1
        if self._kind in ("SUM", "AVG"):
            self._value = _number(value) if self._value is None else reckon("+", self._value, value)
        elif self._kind != "COUNT":
            value = _number(value) if number(value) is not None else value
            if self._value is None or compare("<" if self._kind == "MIN" else ">", value, self._value):
                self._value = value

    @property
    def value(self) -> Value:
        if self._kind == "COUNT":
            return self._count
        return Decimal(self._value) / self._count if self._kind == "AVG" and self._count else self._value


def _number(value: Value) -> Any:
    found = number(value)
    if found is None:
        raise SelectFailed("InvalidDataType", f"{value} is no number.")
    return found
