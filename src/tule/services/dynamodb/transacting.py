"""Several writes together, or none of them.

A transaction is one of the store's: it sees one state, and all of it happens or nothing.  Two that meet are put in an order,
so none is ever cancelled for a conflict.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orjson import Fragment

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.dynamodb import items, refusals, throttling
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.items import Change, Found
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import find_for_change
from tule.services.dynamodb.writes import Write
from tule.store.store import Tx

Reason = dict[str, Any]

FACTOR = 2  # a transaction prepares and commits
NO_REASON: Reason = {"Code": "None"}
_REASONS = {"ValidationException": "ValidationError", "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded"}


@dataclass(slots=True, frozen=True)
class Asked:
    """A write of a transaction; `returns_item` when its condition fails."""

    table_name: str
    write: Write
    returns_item: bool = False


@dataclass(slots=True, frozen=True)
class _Fitted:
    table: Table
    at: Position
    asked: Asked


@dataclass(slots=True, frozen=True)
class Done:
    """What became of one write."""

    table: Table
    write: Write
    change: Change
    named: str  # as the request named the table


def run(call: Call, tx: Tx, asked: Sequence[Asked], *, looks: bool = False) -> list[Done]:
    """`looks` to see what was there in any case.

    Raises ValidationException, ResourceNotFoundException, and TransactionCanceledException with a reason for each write.
    """
    fitted = _fitted(call, tx, asked)
    if len({(one.table.id, one.at) for one in fitted}) < len(fitted):
        raise validation("Transaction request cannot include multiple operations on one item")
    for table in {one.table.id: one.table for one in fitted}.values():
        throttling.check(call, table, "write")
    found = _found(tx, fitted, looks=looks)
    reasons = [_reason_against(one, old) for one, old in zip(fitted, found, strict=True)]
    if any(reason is not NO_REASON for reason in reasons):
        raise refusals.transaction_cancelled(reasons)
    done = [_applied(tx, fitted, number, old) for number, old in enumerate(found)]
    for usage in used(done):
        throttling.use(call, tx, usage, "write")
    return done


def used(done: Iterable[Done]) -> list[Usage]:
    """What it cost, by table."""
    usages: dict[int, Usage] = {}
    for one in done:
        usages.setdefault(one.table.id, Usage(one.table, named=one.named)).add(one.change.units, one.change.index_units, FACTOR)
    return list(usages.values())


def _fitted(call: Call, tx: Tx, asked: Sequence[Asked]) -> list[_Fitted]:
    """What comes first is complained about; what comes after it is not looked at."""
    tables = [find_for_change(call.node, tx, call.account, call.region, one.table_name) for one in asked]
    fitted: list[_Fitted] = []
    for number, (table, one) in enumerate(zip(tables, asked, strict=True)):
        try:
            fitted.append(_Fitted(table, one.write.position(table), one))
        except ServiceError as error:
            raise invalid_at(number, len(asked), error) from None
    return fitted


def _found(tx: Tx, fitted: Sequence[_Fitted], *, looks: bool) -> list[Found | None]:
    """What is there, where somebody has to know."""
    by_table: dict[int, list[_Fitted]] = {}
    for one in fitted:
        write = one.asked.write
        if looks or write.condition is not None or write.looks or not items.is_plain(one.table):
            by_table.setdefault(one.table.id, []).append(one)
    found = {id: items.find_all(tx, some[0].table, [one.at for one in some]) for id, some in by_table.items()}
    return [found.get(one.table.id, {}).get(one.at) for one in fitted]


def _reason_against(one: _Fitted, old: Found | None) -> Reason:
    condition = one.asked.write.condition
    if condition is None or condition.matches(None if old is None else old.item):
        return NO_REASON
    reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    return {**reason, "Item": Fragment(old.data)} if one.asked.returns_item and old is not None else reason


def _applied(tx: Tx, fitted: Sequence[_Fitted], number: int, old: Found | None) -> Done:
    one = fitted[number]
    write = one.asked.write
    try:
        return Done(one.table, write, write.apply(tx, one.table, one.at, old), one.asked.table_name)
    except ServiceError as error:
        raise invalid_at(number, len(fitted), error) from None


def invalid_at(number: int, count: int, error: ServiceError) -> ServiceError:
    """A transaction of `count` parts is cancelled, because one is not valid, or one too many."""
    if error.code not in _REASONS or isinstance(error, refusals.EmptyKey):
        return error
    reasons = [NO_REASON] * count
    reasons[number] = {"Code": _REASONS[error.code], "Message": error.message}
    return refusals.transaction_cancelled(reasons)
