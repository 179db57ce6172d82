"""Who may do what with stacks.  AWS: Service authorization reference, CloudFormation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tule.core.arn import arn
from tule.core.tags import to_map
from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.cloudformation import state
from tule.services.cloudformation.engine.run import CFN_PRINCIPAL
from tule.services.cloudformation.records import Stack
from tule.store.store import Tx

Params = dict[str, Any]

_ON_STACK = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetStackPolicy",
    "GetTemplate",
    "ListChangeSets",
    "ListStackResources",
    "RollbackStack",
    "SetStackPolicy",
    "SignalResource",
    "UpdateStack",
    "UpdateTerminationProtection",
)
_CONDITION_KEYS = {
    "RoleARN": "cloudformation:RoleArn",
    "TemplateURL": "cloudformation:TemplateUrl",
    "StackPolicyURL": "cloudformation:StackPolicyUrl",
    "ChangeSetName": "cloudformation:ChangeSetName",
    "ResourceTypes": "cloudformation:ResourceTypes",
}


def _on_stack(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    stack = _stack(call, tx, params)
    needs = [Need(f"cloudformation:{action}", _resource(call, stack, params), _context(stack, params))]
    if params.get("RoleARN"):
        needs.append(Need("iam:PassRole", params["RoleARN"], {"iam:PassedToService": CFN_PRINCIPAL}))
    return needs


def _stack(call: Call, tx: Tx, params: Params) -> Stack | None:
    name, change_set = params.get("StackName"), params.get("ChangeSetName") or ""
    if name:
        return state.stack(tx, call.account, call.region, name)
    found = state.change_set_by_id(tx, change_set) if change_set.startswith("arn:") else None
    return state.stack(tx, call.account, call.region, found.stack_id) if found else None


def _resource(call: Call, stack: Stack | None, params: Params) -> str:
    """The stack's ARN; of one that is not there yet the name with any id, as policies speak of it."""
    if stack is not None:
        return stack.id
    name = params.get("StackName")
    if not name:
        return "*"
    return name if name.startswith("arn:") else arn("cloudformation", call.region, call.account, f"stack/{name}/*")


def _context(stack: Stack | None, params: Params) -> dict[str, Any]:
    keys: dict[str, Any] = {key: params[member] for member, key in _CONDITION_KEYS.items() if params.get(member)}
    keys |= {f"aws:ResourceTag/{name}": value for name, value in (stack.definition.tags if stack else {}).items()}
    tags = to_map(params.get("Tags"))
    if tags:
        keys |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
        keys["aws:TagKeys"] = list(tags)
    return keys


NEEDS: Mapping[str, Needs] = {name: partial(_on_stack, name) for name in _ON_STACK}
