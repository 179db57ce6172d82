"""ExecuteStatement, BatchExecuteStatement, ExecuteTransaction: PartiQL.  AWS: DynamoDB API reference."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson
from orjson import Fragment

from tule.core.errors import ServiceError
from tule.core.paging import InvalidToken
from tule.lang.partiql.binding import Bound
from tule.lang.partiql.parser import parse
from tule.lang.partiql.syntax import Delete, Exists, Insert, Select
from tule.platform.call import Call
from tule.services.dynamodb import access, capacity, items, keys, metrics, refusals, statements, throttling, transacting, writes
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.items import Change, Found
from tule.services.dynamodb.state import tokens
from tule.services.dynamodb.state.tokens import Earlier
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import find, find_for_change
from tule.services.dynamodb.transacting import FACTOR, Asked
from tule.services.dynamodb.writes import ConditionFailed
from tule.store.store import Tx

Params = dict[str, Any]

_BATCH_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "RequestLimitExceeded": "RequestLimitExceeded",
    "ValidationException": "ValidationError",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "TransactionConflictException": "TransactionConflict",
    "ThrottlingException": "ThrottlingError",
    "InternalServerError": "InternalServerError",
    "ResourceNotFoundException": "ResourceNotFound",
    "AccessDeniedException": "AccessDenied",
    "DuplicateItemException": "DuplicateItem",
}


async def execute_statement(call: Call, params: Params) -> Params:
    bound = _bound(params)
    if isinstance(bound.statement, Exists):
        raise validation("Unsupported operation: EXISTS is a condition of a transaction")
    if isinstance(bound.statement, Select):
        return await _select(call, bound, params)
    return await call.node.store.write(lambda tx: _execute(tx, call, bound, params))


def _bound(params: Params) -> Bound:
    return Bound(parse(params["Statement"]), params.get("Parameters"))


async def _select(call: Call, bound: Bound, params: Params) -> Params:
    pager, scope = call.node.pager, f"ExecuteStatement {call.account} {call.region} {params['Statement']}"
    token = params.get("NextToken")
    try:
        start = {} if token is None else pager.position(scope, token)
    except InvalidToken:
        raise validation("Given NextToken is not valid for the statement") from None
    answer, rest = await statements.select(call, bound, params, start)
    shown = {name: answer[name] for name in ("Items", "LastEvaluatedKey", "ConsumedCapacity") if answer.get(name) is not None}
    return shown if rest is None else {**shown, "NextToken": pager.token(scope, rest)}


def _execute(tx: Tx, call: Call, bound: Bound, params: Params) -> Params:
    _, change, usage = _write(tx, call, bound, params)
    answer: Params = {"Items": _returned(bound, change)}
    answer["ConsumedCapacity"] = capacity.consumed(usage, params.get("ReturnConsumedCapacity"))
    return answer


def _write(tx: Tx, call: Call, bound: Bound, params: Params) -> tuple[Table, Change, Usage]:
    table = find_for_change(call.node, tx, call.account, call.region, bound.statement.table)
    throttling.check(call, table, "write")
    write = statements.write(table, bound)
    try:
        change = writes.run(tx, table, write, looks=True)
    except ConditionFailed as failure:
        raise _refusal(bound, failure.found, params) from None
    usage = Usage(table)
    usage.add(change.units, change.index_units)
    throttling.use(call, tx, usage, "write")
    return table, change, usage


def _refusal(bound: Bound, found: Found | None, params: Params) -> ServiceError:
    if isinstance(bound.statement, Insert):
        return statements.duplicate_item()
    wants_item = params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and found is not None
    return refusals.condition_failed(Fragment(found.data) if wants_item and found is not None else None)


def _returned(bound: Bound, change: Change) -> list[Any]:
    """What RETURNING asks for, as a list of one item or none."""
    statement = bound.statement
    values = "NONE" if isinstance(statement, (Insert, Select, Exists)) else statement.returning
    if values == "NONE":
        return []
    side = change.old if values.endswith("OLD") else change.new
    if side is None:
        return []
    if values.startswith("ALL"):
        return [Fragment(side.data)]
    if isinstance(statement, Delete):
        raise validation("Unsupported operation: RETURNING of a DELETE takes ALL OLD *")
    return [bound.update().values_in(side.item) or {}]


# Batches.


async def batch_execute_statement(call: Call, params: Params) -> Params:
    """Every statement on its own; what is wrong with one is said in its place."""
    asked: list[Params] = params["Statements"]
    if len({_reads(one) for one in asked} - {None}) > 1:
        raise validation("Statements of a batch must be either all reads or all writes")
    done = await asyncio.gather(*(_one_of_batch(call, params, one) for one in asked))
    usages = _by_table([usage for _, usage in done])
    metrics.note_together(call, usages, "read" if _reads(asked[0]) else "write")
    return {
        "Responses": [response for response, _ in done],
        "ConsumedCapacity": capacity.all_consumed(usages, params.get("ReturnConsumedCapacity")),
    }


def _reads(asked: Params) -> bool | None:
    """Whether a statement reads; None where it is none."""
    try:
        return isinstance(parse(asked["Statement"]), Select)
    except ServiceError:
        return None


async def _one_of_batch(call: Call, params: Params, asked: Params) -> tuple[Params, Usage | None]:
    table_name = ""
    try:
        bound = _bound(asked)
        table_name = bound.statement.table
        await call.node.authorizer.authorize(call, await access.of_statement(call, params, asked))
        if isinstance(bound.statement, Select):
            return await call.node.store.read(lambda tx: _get_for_batch(tx, call, bound, asked))
        return await call.node.store.write(lambda tx: _write_for_batch(tx, call, bound, asked))
    except ServiceError as error:
        if error.code not in _BATCH_CODES:
            raise
        answer: Params = {"Error": {"Code": _BATCH_CODES[error.code], "Message": error.message, **error.fields}}
        return ({**answer, "TableName": table_name} if table_name else answer), None


def _get_for_batch(tx: Tx, call: Call, bound: Bound, asked: Params) -> tuple[Params, Usage]:
    table, found = _get(tx, call, bound, "Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
    answer: Params = {"TableName": table.name}
    if found is not None:
        answer["Item"] = _shown(bound, found)
    usage = Usage(table, capacity.read_units(0 if found is None else found.size, consistent=asked.get("ConsistentRead", False)))
    throttling.use(call, tx, usage, "read")
    return answer, usage


def _write_for_batch(tx: Tx, call: Call, bound: Bound, asked: Params) -> tuple[Params, Usage]:
    table, change, usage = _write(tx, call, bound, asked)
    returned = _returned(bound, change)
    return {"TableName": table.name, **({"Item": returned[0]} if returned else {})}, usage


def _by_table(usages: Sequence[Usage | None]) -> list[Usage]:
    summed: dict[int, Usage] = {}
    for usage in usages:
        if usage is None:
            continue
        of_table = summed.setdefault(usage.table.id, Usage(usage.table))
        of_table.units += usage.units
        for name, units in usage.indexes.items():
            of_table.indexes[name] = of_table.indexes.get(name, 0.0) + units
    return list(summed.values())


def _get(tx: Tx, call: Call, bound: Bound, incomplete: str) -> tuple[Table, Found | None]:
    """The item that a SELECT names by its whole key, where the rest of its clause is true of it."""
    statement = bound.statement
    assert isinstance(statement, Select)
    table = find(call.node, tx, call.account, call.region, statement.table)
    throttling.check(call, table, "read")
    statements.check_index(table, statement)
    if statement.index is not None or not bound.names_only(table.keys.all):
        raise validation(incomplete)
    key = statements.key_of(table, bound)
    found = items.find(tx, table, keys.position_of_key(table, key))
    return table, found


def _shown(bound: Bound, found: Found) -> Any:
    assert isinstance(bound.statement, Select)
    columns = statements.columns(bound.statement)
    return Fragment(found.data) if columns is None else columns.of(found.item)


# Transactions.


async def execute_transaction(call: Call, params: Params) -> Params:
    asked: list[Params] = params["TransactStatements"]
    bound = [_bound_in_transaction(number, one) for number, one in enumerate(asked)]
    reading = {isinstance(one.statement, Select) for one in bound}
    if len(reading) > 1:
        raise validation("Statements of a transaction must be either all reads or all writes")
    if True in reading:
        return await call.node.store.read(lambda tx: _read_together(tx, call, bound, params))
    return await call.node.store.write(lambda tx: _write_once(tx, call, bound, params))


def _bound_in_transaction(number: int, asked: Params) -> Bound:
    try:
        statement = parse(asked["Statement"])
    except ServiceError as error:
        raise _failed_in(number, error) from None
    return Bound(statement, asked.get("Parameters"))


def _failed_in(number: int, error: ServiceError) -> ServiceError:
    """The statement of this number cannot be a part of a transaction."""
    if error.code != "ValidationException":
        return error
    return validation(f"Validation failed in TransactStatements[{number}]: {error.message}")


def _read_together(tx: Tx, call: Call, bound: Sequence[Bound], params: Params) -> Params:
    incomplete = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
    read = [_get_in_transaction(tx, call, number, one, incomplete) for number, one in enumerate(bound)]
    usages = [Usage(table, capacity.read_units(0 if found is None else found.size, consistent=True) * FACTOR) for table, found in read]
    for usage in usages:
        throttling.use(call, tx, usage, "read")
    return {
        "Responses": [{} if found is None else {"Item": _shown(one, found)} for one, (_, found) in zip(bound, read, strict=True)],
        "ConsumedCapacity": capacity.all_consumed(_by_table(usages), params.get("ReturnConsumedCapacity"), "Read"),
    }


def _get_in_transaction(tx: Tx, call: Call, number: int, bound: Bound, incomplete: str) -> tuple[Table, Found | None]:
    try:
        return _get(tx, call, bound, incomplete)
    except ServiceError as error:
        raise _failed_in(number, error) from None


def _write_once(tx: Tx, call: Call, bound: Sequence[Bound], params: Params) -> Params:
    """Written once for all requests with the same token."""
    token = params.get("ClientRequestToken")
    if token is None:
        return _write_together(tx, call, bound, params)
    digest = blake2b(orjson.dumps(params["TransactStatements"], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    earlier = tokens.find(tx, call.account, call.region, token)
    if earlier is not None and earlier.digest != digest:
        raise refusals.token_reused()
    if earlier is not None:
        return {"Responses": []}
    answer = _write_together(tx, call, bound, params)
    tokens.keep(tx, call.account, call.region, token, Earlier(digest, b"{}"))
    return answer


def _write_together(tx: Tx, call: Call, bound: Sequence[Bound], params: Params) -> Params:
    asked: list[Asked] = []
    for number, (one, given) in enumerate(zip(bound, params["TransactStatements"], strict=True)):
        table = find_for_change(call.node, tx, call.account, call.region, one.statement.table)
        returns_item = given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        try:
            asked.append(Asked(one.statement.table, statements.write(table, one), returns_item))
        except ServiceError as error:
            raise _failed_in(number, error) from None
    try:
        done = transacting.run(call, tx, asked, looks="ReturnConsumedCapacity" in params)
    except ServiceError as error:
        raise _cancelled(error, bound) from None
    return {
        "Responses": [],
        "ConsumedCapacity": capacity.all_consumed(transacting.used(done), params.get("ReturnConsumedCapacity"), "Write"),
    }


def _cancelled(error: ServiceError, bound: Sequence[Bound]) -> ServiceError:
    """An INSERT's failed condition is a duplicate."""
    if error.code != "TransactionCanceledException":
        return error
    reasons: list[Params] = []
    for one, reason in zip(bound, error.fields["CancellationReasons"], strict=True):
        is_duplicate = isinstance(one.statement, Insert) and reason["Code"] == "ConditionalCheckFailed"
        reasons.append({"Code": "DuplicateItem", "Message": statements.duplicate_item().message} if is_duplicate else reason)
    return refusals.transaction_cancelled(reasons)
