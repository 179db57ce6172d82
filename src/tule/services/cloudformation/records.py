"""What is kept of stacks, their operations, their resources and their change sets: plain records, each the JSON of a row's body."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson


@dataclass(slots=True)
class Definition:
    """What a stack is, or shall be, made of.  `template` is the id of a row of templates."""

    template: str
    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    resolved: dict[str, str] = field(default_factory=dict[str, str])  # values of SSM parameters, by parameter
    capabilities: list[str] = field(default_factory=list[str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    notification_arns: list[str] = field(default_factory=list[str])
    role_arn: str = ""


@dataclass(slots=True)
class Operation:
    """What is being done to a stack.  `phase` says how far it came; with the records of resources it is all a crash leaves.

    kind and phases: `create` apply, unwind; `update` apply, cleanup, rollback, rollback_cleanup; `delete` unwind.
    """

    id: str
    kind: str
    phase: str
    principal: dict[str, Any]
    endpoint: str
    before: Definition | None = None  # an update's way back
    client_token: str = ""
    failed_to_create: list[str] = field(default_factory=list[str])
    failed_to_update: list[str] = field(default_factory=list[str])
    retain: list[str] = field(default_factory=list[str])  # DeleteStack's RetainResources
    skip: list[str] = field(default_factory=list[str])  # ContinueUpdateRollback's ResourcesToSkip
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    deadline_ms: int = 0
    cancelled: bool = False
    policy_during_update: str | None = None


@dataclass(slots=True)
class Stack:
    id: str
    account: str
    region: str
    name: str
    status: str
    created_ms: int
    definition: Definition
    status_reason: str = ""
    updated_ms: int = 0
    deleted_ms: int = 0
    outputs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    disable_rollback: bool = False
    timeout_minutes: int | None = None
    termination_protection: bool = False
    policy: str | None = None
    change_set_id: str = ""
    parent_id: str = ""
    root_id: str = ""
    operation: Operation | None = None
    paused: Operation | None = None  # what failed and may be taken up again: ContinueUpdateRollback, RollbackStack
    drift: dict[str, Any] = field(default_factory=dict[str, Any])
    tokens: dict[str, str] = field(default_factory=dict[str, str])  # ClientRequestToken to what it asked for
    former: Definition | None = None  # of a nested stack: what it was before the operation `updated_for` of its parent
    updated_for: str = ""


@dataclass(slots=True)
class Leftover:
    """A physical resource that a replacement left behind, to be deleted when the operation is through."""

    type: str
    physical_id: str
    properties: dict[str, Any]
    token: str = ""  # of the deletion, once it has begun
    waiting: dict[str, Any] | None = None


@dataclass(slots=True)
class Resource:
    """One logical resource.

    `token` names the creation of the present physical resource: the same names come of it when it is tried again.
    `before` is this record as it was when the running operation first touched it; `created_by` the operation that made
    it.  `waiting` is set while somebody outside (a custom resource's function, a nested stack, a signal) has to answer.
    """

    logical_id: str
    type: str
    status: str
    updated_ms: int
    physical_id: str = ""
    reason: str = ""
    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    metadata: Any = None
    dependencies: list[str] = field(default_factory=list[str])
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    token: str = ""
    created_by: str = ""
    settled_by: str = ""
    step: str = ""  # create, update, replace, restore or delete while it is in progress
    replacing: bool = False  # a replacement is under way, or failed: the old resource was not touched
    waiting: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    leftovers: list[Leftover] = field(default_factory=list[Leftover])
    drift: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class ChangeSet:
    id: str
    stack_id: str
    name: str
    type: str  # CREATE or UPDATE
    created_ms: int
    status: str
    execution_status: str
    definition: Definition
    description: str = ""
    status_reason: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    valued: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    warnings: list[str] = field(default_factory=list[str])
    on_failure: str = ""
    client_token: str = ""
    include_nested: bool = False
    rollback: dict[str, Any] = field(default_factory=dict[str, Any])
    import_existing: bool = False


def stack_of(body: bytes) -> Stack:
    raw = orjson.loads(body)
    raw["definition"] = Definition(**raw["definition"])
    raw["former"] = Definition(**raw["former"]) if raw.get("former") else None
    for name in ("operation", "paused"):
        raw[name] = _operation(raw[name]) if raw[name] else None
    return Stack(**raw)


def _operation(raw: dict[str, Any]) -> Operation:
    fields: dict[str, Any] = {**raw, "before": Definition(**raw["before"]) if raw["before"] else None}
    return Operation(**fields)


def resource_of(raw: dict[str, Any]) -> Resource:
    fields: dict[str, Any] = {**raw, "leftovers": [Leftover(**item) for item in raw["leftovers"]]}
    return Resource(**fields)


def raw_of(resource: Resource) -> dict[str, Any]:
    """The record as it is stored, without its own past: what `before` keeps."""
    return orjson.loads(orjson.dumps(replace(resource, before=None)))


def change_set_of(body: bytes) -> ChangeSet:
    raw = orjson.loads(body)
    raw["definition"] = Definition(**raw["definition"])
    return ChangeSet(**raw)
