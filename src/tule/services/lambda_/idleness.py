"""Functions that nobody has invoked for long: what Lambda keeps ready for them is given up, and must be made again.

Only functions in a VPC (their network interfaces) and SnapStart versions (their snapshots) have something to be given up.
Fourteen days without an invocation make such a version Inactive; the next invocation fails, and lets it become Pending
and a moment later Active.  Its state is worked out when it is looked at, from when it was last used and last woken.
AWS: Lambda developer guide, "Lambda function states", "Giving Lambda functions access to resources in an Amazon VPC",
"Improving startup performance with Lambda SnapStart".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_.names import FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

USES = Documents("lambda.use")  # {used_ms, woken_ms} under `function/version`
DAY_MS = 86_400_000
IDLE_MS = 14 * DAY_MS
WAKING_MS = 5_000

Version = dict[str, Any]


def sleeps(config: Mapping[str, Any]) -> bool:
    """Whether this configuration can become inactive."""
    return bool(config.get("VpcConfig", {}).get("SubnetIds")) or config["SnapStart"]["OptimizationStatus"] == "On"


def state_of(tx: Tx, ref: FunctionRef, config: Mapping[str, Any], now_ms: int) -> Version:
    """State, StateReason and StateReasonCode, where they are other than Active."""
    if not sleeps(config):
        return {}
    use = _use(tx, ref, config)
    if now_ms < use["woken_ms"] + WAKING_MS:
        return {"State": "Pending", "StateReason": "The function is being restored.", "StateReasonCode": "Restoring"}
    if now_ms >= _last_ms(use, config) + IDLE_MS:
        return {"State": "Inactive", "StateReason": "The function is inactive: it was not invoked for 14 days.", "StateReasonCode": "Idle"}
    return {}


async def enter(node: Node, ref: FunctionRef, config: Mapping[str, Any]) -> None:
    """Before an invocation of what `sleeps`: note it, once a day, and let what is inactive wake.

    Raises ResourceNotReadyException (VPC) or SnapStartNotReadyException for the invocation that finds it inactive, and
    ResourceConflictException until it is active.
    """
    refusal = await node.store.read(lambda tx: _look(tx, ref, config, node.clock.now_ms()))
    if refusal == "":
        return
    refusal = await node.store.write(lambda tx: _note(tx, ref, config, node.clock.now_ms()))
    if refusal == "Inactive":
        raise _snapshot_gone() if config["SnapStart"]["OptimizationStatus"] == "On" else _interface_gone()
    if refusal == "Pending":
        raise _pending()


def _look(tx: Tx, ref: FunctionRef, config: Mapping[str, Any], now_ms: int) -> str:
    """Nothing when it may run and need not be noted."""
    state = state_of(tx, ref, config, now_ms).get("State", "")
    return state or ("noted" if now_ms >= _use(tx, ref, config)["used_ms"] + DAY_MS else "")


def _note(tx: Tx, ref: FunctionRef, config: Mapping[str, Any], now_ms: int) -> str:
    state = str(state_of(tx, ref, config, now_ms).get("State", ""))
    if state == "Pending":
        return state
    USES.put(tx, ref.account, ref.region, _key(ref, config), {"used_ms": now_ms, "woken_ms": now_ms if state else -WAKING_MS})
    return state


def forget(tx: Tx, ref: FunctionRef) -> None:
    """The function is deleted."""
    for key, _ in USES.page(tx, ref.account, ref.region, prefix=f"{ref.name}/"):
        USES.delete(tx, ref.account, ref.region, key)


def _use(tx: Tx, ref: FunctionRef, config: Mapping[str, Any]) -> dict[str, int]:
    return USES.get(tx, ref.account, ref.region, _key(ref, config)) or {"used_ms": 0, "woken_ms": -WAKING_MS}


def _last_ms(use: Mapping[str, int], config: Mapping[str, Any]) -> int:
    changed = datetime.strptime(config["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")
    return max(use["used_ms"], int(changed.timestamp() * 1000))


def _key(ref: FunctionRef, config: Mapping[str, Any]) -> str:
    return f"{ref.name}/{config['Version']}"


def _interface_gone() -> ServiceError:
    text = "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to reestablish and try again."
    return ServiceError("ResourceNotReadyException", text, 502, fields={"Type": "Service"})


def _snapshot_gone() -> ServiceError:
    text = "Lambda is initializing your function. You can invoke the function when the function state becomes Active."
    return ServiceError("SnapStartNotReadyException", text, 409, fields={"Type": "User"})


def _pending() -> ServiceError:
    text = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    return ServiceError("ResourceConflictException", text, 409, fields={"Type": "User"})
