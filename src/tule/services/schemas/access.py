"""Who may do what.  AWS: Service authorization reference, EventBridge Schemas."""

from __future__ import annotations

from functools import partial
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.schemas import state
from tule.services.schemas.names import discoverer_arn, registry_arn, schema_arn, scope_of
from tule.store.store import Tx

Params = dict[str, Any]

_ON_REGISTRY = (
    "CreateRegistry DescribeRegistry UpdateRegistry DeleteRegistry ListSchemas SearchSchemas PutResourcePolicy GetResourcePolicy DeleteResourcePolicy"
)
_ON_SCHEMA = (
    "CreateSchema DescribeSchema UpdateSchema DeleteSchema DeleteSchemaVersion ListSchemaVersions ExportSchema"
    " PutCodeBinding DescribeCodeBinding GetCodeBindingSource"
)
_ON_DISCOVERER = "DescribeDiscoverer UpdateDiscoverer DeleteDiscoverer StartDiscoverer StopDiscoverer"


def _on_registry(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = params.get("RegistryName", "")
    return [Need(action, registry_arn(scope_of(call), name), _keys(state.REGISTRIES.get(tx, *scope_of(call), name), params))]


def _on_schema(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    registry, name = params["RegistryName"], params["SchemaName"]
    return [Need(action, schema_arn(scope_of(call), registry, name), _keys(state.find_schema(tx, scope_of(call), registry, name), params))]


def _on_discoverer(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    id = params["DiscovererId"]
    return [Need(action, discoverer_arn(scope_of(call), id), _keys(state.DISCOVERERS.get(tx, *scope_of(call), id), params))]


def _on_tagged(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need(action, params["ResourceArn"], _keys(None, params))]


def _keys(record: state.Record | None, params: Params) -> dict[str, Any]:
    given: dict[str, str] = params.get("Tags") or {}
    keys: dict[str, Any] = {f"aws:ResourceTag/{key}": value for key, value in record["tags"].items()} if record is not None else {}
    keys |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
    named = list(given) or list(params.get("TagKeys") or [])
    return keys | ({"aws:TagKeys": named} if named else {})


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {}
    for operations, on in ((_ON_REGISTRY, _on_registry), (_ON_SCHEMA, _on_schema), (_ON_DISCOVERER, _on_discoverer)):
        needs |= {operation: partial(on, f"schemas:{operation}") for operation in operations.split()}
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        needs[operation] = partial(_on_tagged, f"schemas:{operation}")
    return needs


NEEDS = _needs()
