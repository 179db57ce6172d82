"""Who may do what with pipes.  AWS: Service authorization reference, EventBridge Pipes.

Who gives a pipe a role must be allowed to pass it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.pipes import state
from tule.services.pipes.names import PIPES, PipeRef, of_arn, pipe_ref
from tule.store.store import Tx

Params = dict[str, Any]


def _on_pipe(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = pipe_ref(call, params["Name"])
    needs = [Need(action, ref.arn, _tags(tx, ref, params.get("Tags", {})))]
    if "RoleArn" in params:
        needs.append(Need("iam:PassRole", params["RoleArn"], {"iam:PassedToService": PIPES, "iam:AssociatedResourceArn": ref.arn}))
    return needs


def _on_tagged(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = of_arn(params["resourceArn"])
    return [Need(action, params["resourceArn"], _tags(tx, ref, params.get("tags", {}), params.get("tagKeys", [])), owner=ref.account)]


def _tags(tx: Tx, ref: PipeRef, given: dict[str, str], removed: list[str] | None = None) -> dict[str, Any]:
    pipe = state.find(tx, ref)
    keys: dict[str, Any] = {f"aws:ResourceTag/{key}": value for key, value in pipe["tags"].items()} if pipe is not None else {}
    keys |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
    named = list(given) or list(removed or [])
    return keys | ({"aws:TagKeys": named} if named else {})


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {}
    for operation in ("CreatePipe", "DescribePipe", "UpdatePipe", "StartPipe", "StopPipe", "DeletePipe"):
        needs[operation] = partial(_on_pipe, f"pipes:{operation}")
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        needs[operation] = partial(_on_tagged, f"pipes:{operation}")
    return needs


NEEDS = _needs()
