"""Rows of CloudFormation: stacks, their resources, events, templates and change sets, exports and imports, answers.

Nothing else touches these tables.  A body is the JSON of the record that it is read as.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.clock import iso8601
from tule.services.cloudformation.records import ChangeSet, Resource, Stack, change_set_of, resource_of, stack_of
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE cfn_stacks (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX cfn_stacks_by_place ON cfn_stacks (account, region, created_ms, id);
CREATE TABLE cfn_stack_names (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE cfn_templates (
    stack_id TEXT NOT NULL,
    id TEXT NOT NULL,
    original TEXT NOT NULL,
    processed TEXT NOT NULL,
    PRIMARY KEY (stack_id, id)
);
CREATE TABLE cfn_resources (
    stack_id TEXT NOT NULL,
    logical_id TEXT NOT NULL,
    physical_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (stack_id, logical_id)
);
CREATE INDEX cfn_resources_by_physical_id ON cfn_resources (physical_id);
CREATE TABLE cfn_events (
    stack_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (stack_id, number)
);
CREATE TABLE cfn_change_sets (
    id TEXT NOT NULL PRIMARY KEY,
    stack_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX cfn_change_sets_by_stack ON cfn_change_sets (stack_id, created_ms, id);
CREATE TABLE cfn_exports (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    stack_id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE cfn_imports (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    stack_id TEXT NOT NULL,
    PRIMARY KEY (account, region, name, stack_id)
);
CREATE TABLE cfn_calls (
    stack_id TEXT NOT NULL,
    token TEXT NOT NULL,
    call TEXT NOT NULL,
    result BLOB NOT NULL,
    PRIMARY KEY (stack_id, token, call)
);
CREATE TABLE cfn_answers (
    token TEXT NOT NULL,
    number INTEGER NOT NULL,
    stack_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (token, number)
);
"""


# Stacks

_STACK = "SELECT body FROM cfn_stacks WHERE id = ?"
_STATUS = "SELECT status FROM cfn_stacks WHERE id = ?"
_STACK_ID = "SELECT id FROM cfn_stack_names WHERE account = ? AND region = ? AND name = ?"
_NAME_STACK = "INSERT INTO cfn_stack_names (account, region, name, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UNNAME_STACK = "DELETE FROM cfn_stack_names WHERE account = ? AND region = ? AND name = ? AND id = ?"
_PUT_STACK = (
    "INSERT INTO cfn_stacks (id, account, region, created_ms, status, body) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, body = excluded.body"
)
_STACKS = "SELECT body FROM cfn_stacks WHERE account = ? AND region = ? ORDER BY created_ms DESC, id"


def stack(tx: Tx, account: str, region: str, name_or_id: str) -> Stack | None:
    """By name only a stack that lives; by id any, deleted ones too."""
    if name_or_id.startswith("arn:"):
        found = stack_by_id(tx, name_or_id)
        return found if found and found.account == account and found.region == region else None
    row = tx.one(_STACK_ID, account, region, name_or_id)
    return stack_by_id(tx, row[0]) if row else None


def stack_by_id(tx: Tx, stack_id: str) -> Stack | None:
    row = tx.one(_STACK, stack_id)
    return stack_of(row[0]) if row else None


def is_in_progress(tx: Tx, stack_id: str) -> bool:
    row = tx.one(_STATUS, stack_id)
    return row is not None and row[0].endswith("_IN_PROGRESS") and row[0] != "REVIEW_IN_PROGRESS"


def take_name(tx: Tx, stack: Stack) -> bool:
    """False when another stack has the name."""
    return tx.execute(_NAME_STACK, stack.account, stack.region, stack.name, stack.id) == 1


def free_name(tx: Tx, stack: Stack) -> None:
    tx.execute(_UNNAME_STACK, stack.account, stack.region, stack.name, stack.id)


def put_stack(tx: Tx, stack: Stack) -> None:
    tx.execute(_PUT_STACK, stack.id, stack.account, stack.region, stack.created_ms, stack.status, orjson.dumps(stack))


def remove_stack(tx: Tx, stack: Stack) -> None:
    """Forget a stack as if it never had been (a change set that was to create it is gone)."""
    free_name(tx, stack)
    for table in ("cfn_templates", "cfn_events", "cfn_change_sets", "cfn_resources"):
        tx.execute(f"DELETE FROM {table} WHERE stack_id = ?", stack.id)
    tx.execute("DELETE FROM cfn_stacks WHERE id = ?", stack.id)


def stacks(tx: Tx, account: str, region: str) -> list[Stack]:
    """All of a region, the newest first."""
    return [stack_of(body) for (body,) in tx.all(_STACKS, account, region)]


# Templates

_PUT_TEMPLATE = "INSERT INTO cfn_templates (stack_id, id, original, processed) VALUES (?, ?, ?, ?)"
_TEMPLATE_IDS = "SELECT id FROM cfn_templates WHERE stack_id = ?"
_DELETE_TEMPLATE = "DELETE FROM cfn_templates WHERE stack_id = ? AND id = ?"
_TEMPLATE = "SELECT original, processed FROM cfn_templates WHERE stack_id = ? AND id = ?"


def put_template(tx: Tx, stack_id: str, template_id: str, original: str, processed: dict[str, Any]) -> None:
    tx.execute(_PUT_TEMPLATE, stack_id, template_id, original, orjson.dumps(processed).decode())


def sweep_templates(tx: Tx, stack: Stack) -> None:
    """Forget templates that neither the stack, nor its way back, nor a change set is made of."""
    held = {stack.definition.template, *(item.definition.template for item in change_sets(tx, stack.id))}
    if stack.former is not None:
        held.add(stack.former.template)
    if stack.paused and stack.paused.before:
        held.add(stack.paused.before.template)
    for (template_id,) in tx.all(_TEMPLATE_IDS, stack.id):
        if template_id not in held:
            tx.execute(_DELETE_TEMPLATE, stack.id, template_id)


def original_template(tx: Tx, stack_id: str, template_id: str) -> str:
    row = tx.one(_TEMPLATE, stack_id, template_id)
    return row[0] if row else ""


def processed_template(tx: Tx, stack_id: str, template_id: str) -> dict[str, Any]:
    row = tx.one(_TEMPLATE, stack_id, template_id)
    return orjson.loads(row[1]) if row else {}


# Resources

_PUT_RESOURCE = (
    "INSERT INTO cfn_resources (stack_id, logical_id, physical_id, body) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (stack_id, logical_id) DO UPDATE SET physical_id = excluded.physical_id, body = excluded.body"
)
_RESOURCE = "SELECT body FROM cfn_resources WHERE stack_id = ? AND logical_id = ?"
_RESOURCES = "SELECT body FROM cfn_resources WHERE stack_id = ? ORDER BY logical_id"
_DELETE_RESOURCE = "DELETE FROM cfn_resources WHERE stack_id = ? AND logical_id = ?"
_OWNERS = "SELECT stack_id FROM cfn_resources WHERE physical_id = ? ORDER BY stack_id"


def put_resource(tx: Tx, stack_id: str, resource: Resource) -> None:
    tx.execute(_PUT_RESOURCE, stack_id, resource.logical_id, resource.physical_id, orjson.dumps(resource))


def resource(tx: Tx, stack_id: str, logical_id: str) -> Resource | None:
    row = tx.one(_RESOURCE, stack_id, logical_id)
    return resource_of(orjson.loads(row[0])) if row else None


def resources(tx: Tx, stack_id: str) -> dict[str, Resource]:
    found = [resource_of(orjson.loads(body)) for (body,) in tx.all(_RESOURCES, stack_id)]
    return {item.logical_id: item for item in found}


def delete_resource(tx: Tx, stack_id: str, logical_id: str) -> None:
    tx.execute(_DELETE_RESOURCE, stack_id, logical_id)


def stacks_of_physical_id(tx: Tx, physical_id: str) -> list[str]:
    return [row[0] for row in tx.all(_OWNERS, physical_id)]


# Events

_LAST_EVENT = "SELECT COALESCE(MAX(number), 0) FROM cfn_events WHERE stack_id = ?"
_ADD_EVENT = "INSERT INTO cfn_events (stack_id, number, body) VALUES (?, ?, ?)"
_EVENTS = "SELECT number, body FROM cfn_events WHERE stack_id = ? AND number < ? ORDER BY number DESC LIMIT ?"


def add_event(tx: Tx, stack: Stack, event: dict[str, Any]) -> None:
    (last,) = tx.one(_LAST_EVENT, stack.id) or (0,)
    tx.execute(_ADD_EVENT, stack.id, last + 1, orjson.dumps({**event, "at_ms": tx.now_ms}))
    tx.wake(f"cloudformation/{stack.id}")


def stack_event(tx: Tx, stack: Stack) -> None:
    """Record the stack's present status as an event."""
    add_event(
        tx,
        stack,
        {
            "EventId": tx.ids.uuid(),
            "LogicalResourceId": stack.name,
            "PhysicalResourceId": stack.id,
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatus": stack.status,
            "ResourceStatusReason": stack.status_reason,
            "ClientRequestToken": stack.operation.client_token if stack.operation else "",
        },
    )


def resource_event(tx: Tx, stack: Stack, resource: Resource, *, physical_id: str | None = None) -> None:
    """Record the resource's present status as an event."""
    add_event(
        tx,
        stack,
        {
            "EventId": f"{resource.logical_id}-{resource.status}-{iso8601(tx.now_ms)}",
            "LogicalResourceId": resource.logical_id,
            "PhysicalResourceId": resource.physical_id if physical_id is None else physical_id,
            "ResourceType": resource.type,
            "ResourceStatus": resource.status,
            "ResourceStatusReason": resource.reason,
            "ResourceProperties": orjson.dumps(resource.properties).decode(),
            "ClientRequestToken": stack.operation.client_token if stack.operation else "",
        },
    )


def events(tx: Tx, stack_id: str, before: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """(number, event), the newest first, those numbered below `before`."""
    return [(number, orjson.loads(body)) for number, body in tx.all(_EVENTS, stack_id, before, limit)]


# Change sets

_PUT_CHANGE_SET = (
    "INSERT INTO cfn_change_sets (id, stack_id, name, created_ms, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
)
_CHANGE_SET = "SELECT body FROM cfn_change_sets WHERE id = ?"
_CHANGE_SETS = "SELECT body FROM cfn_change_sets WHERE stack_id = ? ORDER BY created_ms, id"
_DELETE_CHANGE_SET = "DELETE FROM cfn_change_sets WHERE id = ?"


def put_change_set(tx: Tx, change_set: ChangeSet) -> None:
    tx.execute(_PUT_CHANGE_SET, change_set.id, change_set.stack_id, change_set.name, change_set.created_ms, orjson.dumps(change_set))


def change_set_by_id(tx: Tx, change_set_id: str) -> ChangeSet | None:
    row = tx.one(_CHANGE_SET, change_set_id)
    return change_set_of(row[0]) if row else None


def change_sets(tx: Tx, stack_id: str) -> list[ChangeSet]:
    return [change_set_of(body) for (body,) in tx.all(_CHANGE_SETS, stack_id)]


def change_set_named(tx: Tx, stack_id: str, name: str) -> ChangeSet | None:
    return next((item for item in change_sets(tx, stack_id) if item.name == name), None)


def delete_change_set(tx: Tx, change_set_id: str) -> None:
    tx.execute(_DELETE_CHANGE_SET, change_set_id)


# Exports and imports

_EXPORTS = "SELECT name, stack_id, value FROM cfn_exports WHERE account = ? AND region = ? ORDER BY name"
_PUT_EXPORT = "INSERT INTO cfn_exports (account, region, name, stack_id, value) VALUES (?, ?, ?, ?, ?)"
_DROP_EXPORTS = "DELETE FROM cfn_exports WHERE stack_id = ?"
_PUT_IMPORT = "INSERT INTO cfn_imports (account, region, name, stack_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DROP_IMPORTS = "DELETE FROM cfn_imports WHERE stack_id = ?"
_IMPORTERS = "SELECT stack_id FROM cfn_imports WHERE account = ? AND region = ? AND name = ? ORDER BY stack_id"


@dataclass(slots=True, frozen=True)
class Export:
    name: str
    stack_id: str
    value: str


def exports(tx: Tx, account: str, region: str) -> dict[str, Export]:
    return {name: Export(name, stack_id, value) for name, stack_id, value in tx.all(_EXPORTS, account, region)}


def replace_exports(tx: Tx, stack: Stack, values: dict[str, str]) -> None:
    tx.execute(_DROP_EXPORTS, stack.id)
    tx.many(_PUT_EXPORT, [(stack.account, stack.region, name, stack.id, value) for name, value in values.items()])


def replace_imports(tx: Tx, stack: Stack, names: Iterable[str]) -> None:
    tx.execute(_DROP_IMPORTS, stack.id)
    tx.many(_PUT_IMPORT, [(stack.account, stack.region, name, stack.id) for name in names])


def importers(tx: Tx, account: str, region: str, name: str) -> list[str]:
    """Ids of the stacks that import the export `name`."""
    return [row[0] for row in tx.all(_IMPORTERS, account, region, name)]


# Calls that a resource's creation already made, and answers from outside

_CALLS = "SELECT call, result FROM cfn_calls WHERE stack_id = ? AND token = ?"
_ADD_CALL = "INSERT INTO cfn_calls (stack_id, token, call, result) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DROP_CALLS = "DELETE FROM cfn_calls WHERE stack_id = ? AND token = ?"
_DROP_CALLS_BUT = "DELETE FROM cfn_calls WHERE stack_id = ? AND token = ? AND call <> ?"
_ADD_ANSWER = "INSERT INTO cfn_answers (token, number, stack_id, body) SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ? FROM cfn_answers WHERE token = ?"
_EXPECT = "INSERT INTO cfn_answers (token, number, stack_id, body) VALUES (?, 0, ?, ?) ON CONFLICT DO NOTHING"
_EXPECTED = "SELECT stack_id FROM cfn_answers WHERE token = ? AND number = 0"
_ANSWERS = "SELECT body FROM cfn_answers WHERE token = ? AND number > 0 ORDER BY number"
_DROP_ANSWERS = "DELETE FROM cfn_answers WHERE token = ?"


def calls(tx: Tx, stack_id: str, token: str) -> dict[str, bytes]:
    return {call: bytes(result) for call, result in tx.all(_CALLS, stack_id, token)}


def add_call(tx: Tx, stack_id: str, token: str, call: str, result: bytes) -> None:
    tx.execute(_ADD_CALL, stack_id, token, call, result)


def drop_calls(tx: Tx, stack_id: str, token: str) -> None:
    tx.execute(_DROP_CALLS, stack_id, token)


def drop_made_calls(tx: Tx, stack_id: str, token: str, but: str) -> None:
    """Forget the calls of one creation, but not the entry `but`."""
    tx.execute(_DROP_CALLS_BUT, stack_id, token, but)


def expect_answers(tx: Tx, token: str, stack_id: str) -> None:
    """From now on somebody outside who knows `token` may answer to the stack."""
    tx.execute(_EXPECT, token, stack_id, b"{}")


def who_expects(tx: Tx, token: str) -> str | None:
    """The id of the stack that waits for answers under `token`."""
    row = tx.one(_EXPECTED, token)
    return row[0] if row else None


def add_answer(tx: Tx, token: str, stack_id: str, body: dict[str, Any]) -> None:
    tx.execute(_ADD_ANSWER, token, stack_id, orjson.dumps(body), token)


def answers(tx: Tx, token: str) -> list[dict[str, Any]]:
    return [orjson.loads(body) for (body,) in tx.all(_ANSWERS, token)]


def drop_answers(tx: Tx, token: str) -> None:
    tx.execute(_DROP_ANSWERS, token)
