"""One drive of one stack: what was read, what is known of its resources, and how progress is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tule.access.principal import Principal, aws_service
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.resource_type import ResourceType
from tule.services.cloudformation import state
from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.engine.context import ABSENT, EngineContext, Journal
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Operation, Resource, Stack
from tule.services.cloudformation.template.evaluate import UNKNOWN
from tule.services.cloudformation.template.template import Place, Template
from tule.store.store import Tx

CFN_PRINCIPAL = "cloudformation.amazonaws.com"


@dataclass(slots=True)
class Known:
    """What `Ref` and `Fn::GetAtt` find in the stack's records."""

    records: dict[str, Resource]

    def __contains__(self, logical_id: object) -> bool:
        return logical_id in self.records

    def ref(self, logical_id: str) -> Any:
        record = self.records.get(logical_id)
        return record.physical_id if record and record.physical_id else UNKNOWN

    def attribute(self, logical_id: str, name: str) -> Any:
        record = self.records.get(logical_id)
        if record is None or not record.physical_id:
            return UNKNOWN
        for source in (record.attributes, record.properties):
            value = _at(source, name)
            if value is not None:
                return value
        raise TemplateError(f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt")


def _at(source: Mapping[str, Any], name: str) -> Any:
    if name in source:
        return source[name]
    value: Any = source
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def resource_types(node: Node) -> dict[str, ResourceType]:
    """Every resource type that any service of this node builds, by name."""
    return {kind.name: kind for service in node.services.values() for kind in service.resource_types}


class Superseded(Exception):
    """The stack has another operation by now (it is being deleted)."""


class Cancelled(Exception):
    """Somebody asked to cancel the update."""


@dataclass(slots=True)
class Run:
    """`stack` and `records` are as last written.  Every change goes through `save` and `change`."""

    node: Node
    stack: Stack
    operation: Operation
    records: dict[str, Resource]
    template: Template
    types: dict[str, ResourceType]
    acting: Principal | None = None
    interrupted: Superseded | Cancelled | None = None

    @property
    def known(self) -> Known:
        return Known(self.records)

    def type_of(self, name: str) -> ResourceType:
        """Raises ServiceError for a type that no service of this node builds."""
        found = self.types.get(name) or (self.types.get("AWS::CloudFormation::CustomResource") if name.startswith("Custom::") else None)
        if found is None:
            raise ServiceError("NotImplemented", f"The resource type {name} is not implemented by Tule yet.", 501)
        return found

    async def principal(self) -> Principal:
        """As whom the stack acts: under its role, else as who asked for the operation."""
        if self.acting is None:
            role = self.stack.definition.role_arn
            self.acting = await assumed(self.node, self.template.place, role) if role else principal_of(self.operation.principal)
        return self.acting

    async def context(self, logical_id: str, type_name: str, token: str) -> EngineContext:
        """On whose behalf the resource is made; with what the creation named `token` has already done."""
        calls = await self.node.store.read(lambda tx: state.calls(tx, self.stack.id, token))
        absent = calls.pop(ABSENT, None) is not None
        return EngineContext(
            self.node,
            await self.principal(),
            self.stack.account,
            self.stack.region,
            self.stack.id,
            self.stack.name,
            logical_id,
            self.operation.endpoint,
            self.tags(logical_id, type_name),
            journal=Journal(token, calls, absent=absent),
        )

    def tags(self, logical_id: str, type_name: str) -> dict[str, str]:
        """AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html"""
        if not physical.takes_system_tags(type_name):
            return dict(self.stack.definition.tags)
        return {
            **self.stack.definition.tags,
            "aws:cloudformation:stack-name": self.stack.name,
            "aws:cloudformation:stack-id": self.stack.id,
            "aws:cloudformation:logical-id": logical_id,
        }

    async def save(self, record: Resource, *shown: Resource) -> Resource:
        """Write `record`, with an event for each of `shown` (itself when it is among them)."""

        def write(tx: Tx) -> Resource:
            stamped = replace(record, updated_ms=tx.now_ms)
            state.put_resource(tx, self.stack.id, stamped)
            for event in shown:
                state.resource_event(tx, self.stack, event)
            return stamped

        self.records[record.logical_id] = await self.node.store.write(write)
        return self.records[record.logical_id]

    async def begin(self, record: Resource) -> Resource:
        """`save` and show a record before its resource is touched.  Raises Superseded, Cancelled."""

        def write(tx: Tx) -> Resource:
            stack = state.stack_by_id(tx, self.stack.id)
            if stack is None or stack.operation is None or stack.operation.id != self.operation.id:
                raise Superseded
            if stack.operation.cancelled and stack.operation.phase == "apply":
                raise Cancelled
            stamped = replace(record, updated_ms=tx.now_ms)
            state.put_resource(tx, self.stack.id, stamped)
            state.resource_event(tx, self.stack, stamped)
            return stamped

        self.records[record.logical_id] = await self.node.store.write(write)
        return self.records[record.logical_id]

    async def settle(self, record: Resource, *shown: Resource, token: str = "") -> Resource:
        """`save`, and forget the calls that led here (under the record's token, unless they were made under another)."""

        def write(tx: Tx) -> Resource:
            stamped = replace(record, updated_ms=tx.now_ms)
            state.put_resource(tx, self.stack.id, stamped)
            for event in shown:
                state.resource_event(tx, self.stack, event)
            state.drop_calls(tx, self.stack.id, token or record.token)
            state.drop_answers(tx, token or record.token)
            return stamped

        self.records[record.logical_id] = await self.node.store.write(write)
        return self.records[record.logical_id]

    async def forget(self, logical_id: str) -> None:
        await self.node.store.write(lambda tx: state.delete_resource(tx, self.stack.id, logical_id))
        self.records.pop(logical_id, None)

    async def change(self, edit: Callable[[Tx, Stack, Operation], None], *, event: bool = True) -> None:
        """Let `edit` change the stack and its operation as they are in the store now, and show the new status as an event."""

        def write(tx: Tx) -> Stack:
            stack = state.stack_by_id(tx, self.stack.id)
            if stack is None or stack.operation is None or stack.operation.id != self.operation.id:
                raise Superseded
            operation = stack.operation
            edit(tx, stack, operation)
            state.put_stack(tx, stack)
            if event:
                state.stack_event(tx, dataclasses.replace(stack, operation=operation))
            return stack

        self.stack = await self.node.store.write(write)
        self.operation = self.stack.operation or self.operation


async def assumed(node: Node, place: Place, role_arn: str) -> Principal:
    """CloudFormation as the role that a stack is given.  Raises ServiceError when the role does not let it."""
    session = await node.dispatcher.invoke(
        "sts",
        "AssumeRole",
        {"RoleArn": role_arn, "RoleSessionName": "AWSCloudFormation"},
        principal=aws_service(CFN_PRINCIPAL, place.account, place.stack_id),
        region=place.region,
        account=place.account,
    )
    user = session["AssumedRoleUser"]
    return Principal(
        "role",
        place.account,
        user["Arn"],
        entity_arn=role_arn,
        user_id=user["AssumedRoleId"],
        access_key=session["Credentials"]["AccessKeyId"],
        session_name="AWSCloudFormation",
    )


def principal_of(raw: Mapping[str, Any]) -> Principal:
    fields: dict[str, Any] = {
        **raw,
        "session_policies": tuple(raw.get("session_policies") or ()),
        "session_tags": tuple(tuple(pair) for pair in raw.get("session_tags") or ()),
    }
    return Principal(**fields)


def raw_principal(principal: Principal) -> dict[str, Any]:
    """The principal as it is kept with an operation: who, not the circumstances of the call."""
    return {f.name: getattr(principal, f.name) for f in dataclasses.fields(principal) if f.name != "context"}


def place_of(stack: Stack) -> Place:
    return Place(stack.account, stack.region, stack.id, stack.name, tuple(stack.definition.notification_arns))


def template_of(stack: Stack, document: dict[str, Any], exports: Mapping[str, state.Export]) -> Template:
    return Template(
        document,
        {**stack.definition.parameters, **stack.definition.resolved},
        place_of(stack),
        {name: export.value for name, export in exports.items()},
    )


async def load(node: Node, stack_id: str) -> Run | None:
    """None when there is nothing to do for the stack."""

    def read(tx: Tx) -> Run | None:
        stack = state.stack_by_id(tx, stack_id)
        if stack is None or stack.operation is None:
            return None
        document = state.processed_template(tx, stack.id, stack.definition.template)
        template = template_of(stack, document, state.exports(tx, stack.account, stack.region))
        return Run(node, stack, stack.operation, state.resources(tx, stack.id), template, resource_types(node))

    return await node.store.read(read)
