"""Finding stacks and change sets by what callers name them, and naming new ones."""

from __future__ import annotations

import re

from tule.core.arn import arn
from tule.platform.call import Call
from tule.services.cloudformation import errors, state
from tule.services.cloudformation.records import ChangeSet, Stack
from tule.store.store import Tx

STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def new_stack_id(call: Call, name: str) -> str:
    return arn("cloudformation", call.region, call.account, f"stack/{name}/{call.node.ids.uuid()}")


def check_name(name: str, member: str = "stackName") -> None:
    if not STACK_NAME.fullmatch(name):
        raise errors.validation(
            f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression"
            " pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )


def any_stack(call: Call, tx: Tx, name: str) -> Stack:
    """By name one that lives, by id any.  Raises `Stack with id ... does not exist`."""
    stack = state.stack(tx, call.account, call.region, name)
    if stack is None:
        raise errors.stack_with_id_does_not_exist(name)
    return stack


def living(call: Call, tx: Tx, name: str) -> Stack | None:
    stack = state.stack(tx, call.account, call.region, name)
    return None if stack is None or stack.status == "DELETE_COMPLETE" else stack


def change_set(call: Call, tx: Tx, name: str, stack_name: str | None) -> ChangeSet:
    """By id, or by name within a stack.  Raises ServiceError."""
    if name.startswith("arn:"):
        found = state.change_set_by_id(tx, name)
        if found is None or state.stack(tx, call.account, call.region, found.stack_id) is None:
            raise errors.change_set_not_found(name)
        return found
    if not stack_name:
        raise errors.validation("StackName must be specified if ChangeSetName is not specified as an ARN.")
    stack = living(call, tx, stack_name)
    if stack is None:
        raise errors.stack_does_not_exist(stack_name)
    found = state.change_set_named(tx, stack.id, name)
    if found is None:
        raise errors.change_set_not_found(name)
    return found
