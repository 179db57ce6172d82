"""Who may do what with event source mappings.  AWS: Service authorization reference, Lambda.

Policies may ask which function a mapping is for (`lambda:FunctionArn`), and name the mapping itself where there is one.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tule.access.need import Need
from tule.platform.call import Call
from tule.platform.service import Needs
from tule.services.lambda_.mappings import state
from tule.services.lambda_.names import function_ref
from tule.store.store import Tx

Params = dict[str, Any]


def _create(call: Call, tx: Tx, params: Params) -> list[Need]:
    tags = params.get("Tags", {})
    context: dict[str, Any] = {"lambda:FunctionArn": function_ref(call, params["FunctionName"]).qualified_arn}
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()} | ({"aws:TagKeys": list(tags)} if tags else {})
    return [Need("lambda:CreateEventSourceMapping", state.arn(call.account, call.region, "*"), context)]


def _on_mapping(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    mapping = state.find(tx, call.account, call.region, params["UUID"])
    context: dict[str, Any] = {}
    if mapping is not None:
        context = {"lambda:FunctionArn": mapping["shown"]["FunctionArn"]}
        context |= {f"aws:ResourceTag/{key}": value for key, value in mapping["tags"].items()}
    if "FunctionName" in params:
        context["lambda:FunctionArn"] = function_ref(call, params["FunctionName"]).qualified_arn
    return [Need(action, state.arn(call.account, call.region, params["UUID"]), context)]


NEEDS: dict[str, Needs] = {
    "CreateEventSourceMapping": _create,
    **{
        operation: partial(_on_mapping, f"lambda:{operation}")
        for operation in ("GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping")
    },
}
