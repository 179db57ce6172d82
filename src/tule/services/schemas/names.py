"""ARNs.  AWS: Service authorization reference, EventBridge Schemas, resource types."""

from __future__ import annotations

from typing import NamedTuple

from tule.core import arn as arns
from tule.platform.call import Call

DISCOVERED = "discovered-schemas"
BUILT_IN = "aws.events"


class Scope(NamedTuple):
    """Whose registries, and where."""

    account: str
    region: str


def scope_of(call: Call) -> Scope:
    return Scope(call.account, call.region)


def registry_arn(scope: Scope, registry: str) -> str:
    return arns.arn("schemas", scope.region, "" if registry == BUILT_IN else scope.account, f"registry/{registry}")


def schema_arn(scope: Scope, registry: str, schema: str) -> str:
    return arns.arn("schemas", scope.region, "" if registry == BUILT_IN else scope.account, f"schema/{registry}/{schema}")


def discoverer_arn(scope: Scope, id: str) -> str:
    return arns.arn("schemas", scope.region, scope.account, f"discoverer/{id}")
