"""Stack policies.  AWS: CloudFormation API reference, SetStackPolicy and GetStackPolicy."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import errors, launch, lookup, state
from tule.store.store import Tx


async def set_stack_policy(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    policy = await launch.policy_text(call, params, "StackPolicy")

    def write(tx: Tx) -> None:
        stack = lookup.living(call, tx, params["StackName"])
        if stack is None:
            raise errors.stack_does_not_exist(params["StackName"])
        stack.policy = policy
        state.put_stack(tx, stack)

    await call.node.store.write(write)
    return {}


@reads
def get_stack_policy(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = lookup.living(call, tx, params["StackName"])
    if stack is None:
        raise errors.stack_does_not_exist(params["StackName"])
    return {"StackPolicyBody": stack.policy} if stack.policy is not None else {}
