"""The resource types that there are, and the account's limits.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.arn import arn
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors
from tule.services.cloudformation.engine.run import resource_types
from tule.services.cloudformation.schemas import schemas
from tule.store.store import Tx

PAGE = 100
LIMITS = (("StackLimit", 2_000), ("StackOutputsLimit", 200), ("ConcurrentResourcesLimit", 2_500))


@reads
def describe_account_limits(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    return {"AccountLimits": [{"Name": name, "Value": value} for name, value in LIMITS]}


def _arn(call: Call, name: str) -> str:
    return arn("cloudformation", call.region, "", f"type/resource/{name.replace('::', '-')}")


@reads
def list_types(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    """The types that this node builds."""
    public = params.get("Visibility", "PRIVATE") == "PUBLIC" and params.get("Type", "RESOURCE") == "RESOURCE"
    prefix = (params.get("Filters") or {}).get("TypeNamePrefix", "")
    names = sorted(name for name in resource_types(call.node) if name.startswith(prefix)) if public else []
    page, token = describe.page(call, "ListTypes", names, params, params.get("MaxResults") or PAGE)
    return {"TypeSummaries": [{"Type": "RESOURCE", "TypeName": name, "TypeArn": _arn(call, name)} for name in page], "NextToken": token}


@reads
def describe_type(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    name = params.get("TypeName") or (params.get("Arn") or "").rsplit("/", 1)[-1].replace("-", "::")
    schema = schemas.find(name) if params.get("Type", "RESOURCE") == "RESOURCE" else None
    if schema is None:
        raise errors.type_not_found(name)
    return {
        "Arn": _arn(call, name),
        "Type": "RESOURCE",
        "TypeName": name,
        "Schema": orjson.dumps({"typeName": name, **schema}).decode(),
        "ProvisioningType": "FULLY_MUTABLE" if name in resource_types(call.node) else "NON_PROVISIONABLE",
        "DeprecatedStatus": "LIVE",
        "Visibility": "PUBLIC",
    }
