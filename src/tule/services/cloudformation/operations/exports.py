"""What stacks export and import.  AWS: CloudFormation API reference, ListExports and ListImports."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors, state
from tule.store.store import Tx

PAGE = 100


@reads
def list_exports(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    found = list(state.exports(tx, call.account, call.region).values())
    page, token = describe.page(call, "ListExports", found, params, PAGE)
    return {"Exports": [{"ExportingStackId": e.stack_id, "Name": e.name, "Value": e.value} for e in page], "NextToken": token}


@reads
def list_imports(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    name = params["ExportName"]
    if name not in state.exports(tx, call.account, call.region):
        raise errors.validation(f"Export with name {name} does not exist.")
    found = [stack_id.split("/")[1] for stack_id in state.importers(tx, call.account, call.region, name)]
    if not found:
        raise errors.validation(f"Export '{name}' is not imported by any stack.")
    page, token = describe.page(call, f"ListImports/{name}", found, params, PAGE)
    return {"Imports": list(page), "NextToken": token}
