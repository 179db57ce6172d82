"""Stacks, resources and events as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tule.core.errors import ServiceError
from tule.core.paging import InvalidToken
from tule.core.tags import to_list
from tule.platform.call import Call
from tule.services.cloudformation import errors, state
from tule.services.cloudformation.records import Resource, Stack
from tule.services.cloudformation.template import parameters
from tule.store.store import Tx

T = TypeVar("T")
MASKED_TEMPLATE = "****"


def page(call: Call, scope: str, items: Sequence[T], params: Mapping[str, Any], size: int) -> tuple[Sequence[T], str | None]:
    """One page of `items`, and the token of the next."""
    start = position(call, scope, params) or 0
    more = start + size < len(items)
    return items[start : start + size], call.node.pager.token(scope, start + size) if more else None


def position(call: Call, scope: str, params: Mapping[str, Any]) -> Any:
    token = params.get("NextToken")
    if not token:
        return None
    try:
        return call.node.pager.position(scope, token)
    except InvalidToken as error:
        raise invalid_token() from error


def invalid_token() -> ServiceError:
    return errors.validation("Invalid NextToken")


def seconds(at_ms: int) -> float | None:
    return at_ms / 1000 if at_ms else None


def without_none(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if value is not None and value != ""}


def stack(tx: Tx, found: Stack) -> dict[str, Any]:
    """A member of DescribeStacks' `Stacks`."""
    definition = found.definition
    document = state.processed_template(tx, found.id, definition.template) if definition.parameters else {}
    declared = parameters.declarations(document.get("Parameters") or {})
    shown = without_none(
        {
            "StackId": found.id,
            "StackName": found.name,
            "ChangeSetId": found.change_set_id,
            "Description": definition.description,
            "CreationTime": seconds(found.created_ms),
            "DeletionTime": seconds(found.deleted_ms),
            "LastUpdatedTime": seconds(found.updated_ms),
            "StackStatus": found.status,
            "StackStatusReason": found.status_reason,
            "TimeoutInMinutes": found.timeout_minutes,
            "RoleARN": definition.role_arn,
            "ParentId": found.parent_id,
            "RootId": found.root_id,
        }
    )
    shown |= {
        "RollbackConfiguration": {},
        "DisableRollback": found.disable_rollback,
        "NotificationARNs": definition.notification_arns,
        "Tags": to_list(definition.tags),
        "DriftInformation": found.drift or {"StackDriftStatus": "NOT_CHECKED"},
    }
    if found.status != "DELETE_COMPLETE":
        shown["EnableTerminationProtection"] = found.termination_protection
    if definition.parameters:
        shown["Parameters"] = parameters.described(declared, definition.parameters, definition.resolved)
    if definition.capabilities:
        shown["Capabilities"] = definition.capabilities
    if found.outputs:
        shown["Outputs"] = found.outputs
    return shown


def summary(tx: Tx, found: Stack) -> dict[str, Any]:
    """A member of ListStacks' `StackSummaries`."""
    return without_none(
        {
            "StackId": found.id,
            "StackName": found.name,
            "TemplateDescription": found.definition.description,
            "CreationTime": seconds(found.created_ms),
            "LastUpdatedTime": seconds(found.updated_ms),
            "DeletionTime": seconds(found.deleted_ms),
            "StackStatus": found.status,
            "StackStatusReason": found.status_reason,
            "ParentId": found.parent_id,
            "RootId": found.root_id,
            "DriftInformation": found.drift or {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def resource(found: Stack, record: Resource) -> dict[str, Any]:
    """A member of DescribeStackResources' `StackResources`."""
    return without_none(
        {
            "StackName": found.name,
            "StackId": found.id,
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "Timestamp": seconds(record.updated_ms),
            "ResourceStatus": record.status,
            "ResourceStatusReason": record.reason,
            "DriftInformation": {"StackResourceDriftStatus": record.drift.get("StackResourceDriftStatus", "NOT_CHECKED")},
        }
    )


def event(found: Stack, body: Mapping[str, Any]) -> dict[str, Any]:
    """A member of DescribeStackEvents' `StackEvents`."""
    shown = {key: value for key, value in body.items() if key != "at_ms" and value not in ("", None)}
    return {
        "StackId": found.id,
        "StackName": found.name,
        **shown,
        "PhysicalResourceId": body.get("PhysicalResourceId", ""),
        "Timestamp": seconds(body["at_ms"]),
    }
