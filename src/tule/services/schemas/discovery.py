"""Discovering schemas from a bus's events: a managed rule of the bus sends every event to its discoverer.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-registry.html, "Schema discovery"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from tule.access.principal import Principal, aws_service
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.schemas import errors, inference, state
from tule.services.schemas.names import DISCOVERED, Scope, discoverer_arn
from tule.services.schemas.state import Record
from tule.store.store import Tx

SERVICE = "schemas.amazonaws.com"
STARTED = "STARTED"
STOPPED = "STOPPED"
MAX_VERSIONS = 100
_TARGET = "schemas"

Event = Mapping[str, Any]


def schema_name(event: Event) -> str:
    """`my.source@MyEvent`."""
    return f"{event['source']}@{inference.component_name(str(event['detail-type']))}"


def document_of(events: Sequence[Event]) -> dict[str, Any]:
    """The OpenAPI 3 document of these events.  Raises ValueError."""
    return inference.open_api(events[0], inference.merged(inference.shape_of(event) for event in events))


async def sink(node: Node, target: str, text: str, principal: Principal, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the rule sends.  Raises AccessDeniedException for whoever is not EventBridge."""
    del settings
    if principal.service != "events.amazonaws.com":
        raise ServiceError("AccessDeniedException", f"{principal.arn} may not send events to {target}.", 403)
    arn = arns.parse(target)
    event: dict[str, Any] = orjson.loads(text)
    if inference.is_event(event) and not await node.store.read(lambda tx: _is_known(tx, Scope(arn.account, arn.region), arn.resource_id, event)):
        await node.store.write(lambda tx: _discover(tx, Scope(arn.account, arn.region), arn.resource_id, event))
    return {}


def _is_known(tx: Tx, scope: Scope, id: str, event: Event) -> bool:
    discoverer = state.DISCOVERERS.get(tx, *scope, id)
    if discoverer is None or discoverer["state"] != STARTED:
        return True
    name = schema_name(event)
    record = state.find_schema(tx, scope, DISCOVERED, name)
    if record is None:
        return False
    content = _content(event)
    return not content or any(state.content(tx, scope, DISCOVERED, name, number) == content for number in record["versions"])


def _discover(tx: Tx, scope: Scope, id: str, event: Event) -> None:
    """A new schema, or another version of one, unless it came meanwhile."""
    content = _content(event)
    if not content or _is_known(tx, scope, id, event):
        return
    name = schema_name(event)
    state.discovered_registry(tx, scope)
    record: Record = state.find_schema(tx, scope, DISCOVERED, name) or {"description": "", "tags": {}}
    if len(record.get("versions", {})) < MAX_VERSIONS:
        state.add_version(tx, scope, DISCOVERED, name, record, "OpenApi3", content)


def _content(event: Event) -> str:
    """Nothing for what is nested too deeply to be described."""
    try:
        return orjson.dumps(document_of([event])).decode()
    except ValueError:
        return ""


async def follow(call: Call, id: str, record: Record) -> None:
    """Make the bus's rule, or switch it.  Raises NotFoundException for a bus that is not there."""
    bus = record["source"]
    pattern = {"source": [{"prefix": ""}]} if record["cross_account"] else {"account": [call.account]}
    rule = {
        "Name": _rule(id),
        "EventBusName": bus,
        "EventPattern": orjson.dumps(pattern).decode(),
        "State": "ENABLED" if record["state"] == STARTED else "DISABLED",
        "Description": "This rule is used to route Events to Schema Discoverer",
    }
    target = {"Id": _TARGET, "Arn": discoverer_arn(Scope(call.account, call.region), id)}
    try:
        await call.invoke("events", "PutRule", rule, principal=_self(call))
        await call.invoke("events", "PutTargets", {"Rule": _rule(id), "EventBusName": bus, "Targets": [target]}, principal=_self(call))
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            raise errors.not_found(error.message) from error
        raise


async def unfollow(call: Call, id: str, record: Record) -> None:
    """Remove the bus's rule, if the bus is still there."""
    named = {"EventBusName": record["source"], "Force": True}
    try:
        await call.invoke("events", "RemoveTargets", {"Rule": _rule(id), "Ids": [_TARGET], **named}, principal=_self(call))
        await call.invoke("events", "DeleteRule", {"Name": _rule(id), **named}, principal=_self(call))
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise


def _rule(id: str) -> str:
    return f"Schemas-{id}"[:64]


def _self(call: Call) -> Principal:
    """The service by its linked role, which may do this in every account that has discoverers."""
    return replace(aws_service(SERVICE, call.account), trusted=True)
