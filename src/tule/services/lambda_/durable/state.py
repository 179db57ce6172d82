"""What is kept of durable executions: a row each, and rows of their operations and of their history.

An execution's `data`:
    function_arn      qualified by the version
    config            the members of DurableConfig at its start
    role, trace       as whom it invokes other functions; the trace that it belongs to
    input_sha256      tells whether a name that is used again comes with the same input
    result, error     how it ended
    revision          counts the changes of its operations; external the last one that was not the function's own doing
    token, seen       the checkpoint token that is good, and the revision that the function knows
    begun             the revision with which the running (or last) invocation began
    job               the job that invokes the function, while there is one
    failures          invocations that failed, one after the other
    pause             what was asked for, while it is pausing or paused; interrupted when the function had more to do
    parent            {"execution", "operation"}: which chained invocation waits for it
    answered          the last checkpoint: its client token, and what was answered
Operations carry their members of the API, with times in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.services.lambda_.names import FunctionRef
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE lambda_executions (
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    function TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX lambda_executions_by_name ON lambda_executions (account, region, function, name);
CREATE INDEX lambda_executions_by_start ON lambda_executions (account, region, function, started_ms, id);
CREATE TABLE lambda_execution_operations (
    execution TEXT NOT NULL,
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (execution, id)
);
CREATE INDEX lambda_execution_operations_in_order ON lambda_execution_operations (execution, sequence);
CREATE TABLE lambda_execution_events (
    execution TEXT NOT NULL,
    id INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (execution, id)
);
"""

_COLUMNS = "id, account, region, function, version, name, status, started_ms, ended_ms, data"
_GET = f"SELECT {_COLUMNS} FROM lambda_executions WHERE id = ?"
_NAMED = f"SELECT {_COLUMNS} FROM lambda_executions WHERE account = ? AND region = ? AND function = ? AND name = ?"
_OF_FUNCTION = f"SELECT {_COLUMNS} FROM lambda_executions WHERE account = ? AND region = ? AND function = ? ORDER BY started_ms DESC, id DESC"
_INSERT = f"INSERT INTO lambda_executions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE lambda_executions SET status = ?, ended_ms = ?, data = ? WHERE id = ?"
_OPERATION = "SELECT body FROM lambda_execution_operations WHERE execution = ? AND id = ?"
_OPERATIONS = "SELECT sequence, revision, body FROM lambda_execution_operations WHERE execution = ? AND sequence > ? ORDER BY sequence LIMIT ?"
_LAST_SEQUENCE = "SELECT COALESCE(MAX(sequence), 0) FROM lambda_execution_operations WHERE execution = ?"
_PUT_OPERATION = (
    "INSERT INTO lambda_execution_operations (execution, id, sequence, revision, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (execution, id) DO UPDATE SET revision = excluded.revision, body = excluded.body"
)
_LAST_EVENT = "SELECT COALESCE(MAX(id), 0) FROM lambda_execution_events WHERE execution = ?"
_PUT_EVENT = "INSERT INTO lambda_execution_events (execution, id, body) VALUES (?, ?, ?)"
_EVENTS = "SELECT body FROM lambda_execution_events WHERE execution = ? AND id > ? ORDER BY id LIMIT ?"
_EVENTS_BACKWARDS = "SELECT body FROM lambda_execution_events WHERE execution = ? AND id < ? ORDER BY id DESC LIMIT ?"
_TABLES = (("lambda_execution_events", "execution"), ("lambda_execution_operations", "execution"), ("lambda_executions", "id"))
ENDED = frozenset(["SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"])

Operation = dict[str, Any]


@dataclass(slots=True)
class Execution:
    id: str
    account: str
    region: str
    function: str
    version: str
    name: str
    status: str
    started_ms: int
    ended_ms: int
    data: dict[str, Any]

    @property
    def arn(self) -> str:
        return f"{self.data['function_arn']}/durable-execution/{self.name}/{self.id}"

    @property
    def ref(self) -> FunctionRef:
        """The version that it runs."""
        return FunctionRef(self.account, self.region, self.function, self.version)

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def topic(id: str) -> str:
    """Woken when the execution has ended."""
    return f"lambda.execution.{id}"


def find(tx: Tx, id: str) -> Execution | None:
    row = tx.one(_GET, id)
    return None if row is None else _execution(row)


def named(tx: Tx, ref: FunctionRef, name: str) -> Execution | None:
    row = tx.one(_NAMED, ref.account, ref.region, ref.name, name)
    return None if row is None else _execution(row)


def of_function(tx: Tx, ref: FunctionRef) -> list[Execution]:
    """The youngest first."""
    return [_execution(row) for row in tx.all(_OF_FUNCTION, ref.account, ref.region, ref.name)]


def _execution(row: tuple[Any, ...]) -> Execution:
    id, account, region, function, version, name, status, started_ms, ended_ms, data = row
    return Execution(id, account, region, function, version, name, status, started_ms, ended_ms, orjson.loads(data))


def insert(tx: Tx, execution: Execution) -> None:
    e = execution
    columns = (e.id, e.account, e.region, e.function, e.version, e.name, e.status, e.started_ms, e.ended_ms)
    tx.execute(_INSERT, *columns, orjson.dumps(e.data))


def put(tx: Tx, execution: Execution) -> None:
    tx.execute(_UPDATE, execution.status, execution.ended_ms, orjson.dumps(execution.data), execution.id)


def delete(tx: Tx, id: str) -> None:
    for table, column in _TABLES:
        tx.execute(f"DELETE FROM {table} WHERE {column} = ?", id)


def operation(tx: Tx, execution: Execution, id: str) -> Operation | None:
    row = tx.one(_OPERATION, execution.id, id)
    return None if row is None else orjson.loads(row[0])


def operations(tx: Tx, execution: Execution, after: int = 0, limit: int = 1_000_000) -> list[tuple[int, int, Operation]]:
    """(sequence, revision, operation) in the order of their beginnings."""
    return [(sequence, revision, orjson.loads(body)) for sequence, revision, body in tx.all(_OPERATIONS, execution.id, after, limit)]


def put_operation(tx: Tx, execution: Execution, operation: Operation) -> None:
    """One more revision of the execution, whose row the caller stores."""
    execution.data["revision"] += 1
    row = tx.one(_LAST_SEQUENCE, execution.id)
    sequence = int(row[0]) + 1 if row else 1
    tx.execute(_PUT_OPERATION, execution.id, operation["Id"], sequence, execution.data["revision"], orjson.dumps(operation))


def add_event(tx: Tx, execution: Execution, event: dict[str, Any]) -> None:
    row = tx.one(_LAST_EVENT, execution.id)
    id = int(row[0]) + 1 if row else 1
    tx.execute(_PUT_EVENT, execution.id, id, orjson.dumps({**event, "EventId": id}))


def events(tx: Tx, execution: Execution, after: int, limit: int, *, backwards: bool) -> list[dict[str, Any]]:
    sql = _EVENTS_BACKWARDS if backwards else _EVENTS
    return [orjson.loads(row[0]) for row in tx.all(sql, execution.id, after, limit)]
