"""Provisioned concurrency: instances that are kept initialised for a version, directly or by an alias of it.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tule.services.lambda_ import state
from tule.services.lambda_.names import FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

CONFIGS = Documents("lambda.provisioned")  # {"requested", "modified_ms"}, under `function/qualifier`

Config = dict[str, Any]


def find(tx: Tx, ref: FunctionRef) -> Config | None:
    return CONFIGS.get(tx, ref.account, ref.region, _key(ref))


def put(tx: Tx, ref: FunctionRef, config: Config) -> None:
    CONFIGS.put(tx, ref.account, ref.region, _key(ref), config)
    tx.wake(state.CHANGED)


def delete(tx: Tx, ref: FunctionRef) -> bool:
    tx.wake(state.CHANGED)
    return CONFIGS.delete(tx, ref.account, ref.region, _key(ref))


def delete_all(tx: Tx, ref: FunctionRef) -> None:
    for qualifier in of_function(tx, ref):
        delete(tx, ref._replace(qualifier=qualifier))


def of_function(tx: Tx, ref: FunctionRef) -> dict[str, Config]:
    """By qualifier."""
    return {key.partition("/")[2]: config for key, config in CONFIGS.page(tx, ref.account, ref.region, prefix=f"{ref.name}/")}


def requested(tx: Tx, ref: FunctionRef) -> int:
    """By all qualifiers of the function together."""
    return sum(config["requested"] for config in of_function(tx, ref).values())


def by_version(tx: Tx, ref: FunctionRef) -> dict[str, int]:
    """How many instances each version of the function has, whoever asked for them."""
    found: Counter[str] = Counter()
    for qualifier, config in of_function(tx, ref).items():
        for number, share in versions_of(tx, ref._replace(qualifier=qualifier)).items():
            found[number] += round(config["requested"] * share)
    return dict(found)


def versions_of(tx: Tx, ref: FunctionRef) -> dict[str, float]:
    """The versions that a qualifier names, and the part of the traffic that each gets."""
    qualifier = ref.qualifier or ""
    if qualifier.isdecimal():
        return {qualifier: 1.0}
    alias = state.alias(tx, ref, qualifier)
    if alias is None:
        return {}
    others: dict[str, float] = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {alias["FunctionVersion"]: 1.0 - sum(others.values()), **others}


def kept_from_all(tx: Tx, account: str, region: str) -> int:
    """What functions have for themselves alone: reserved, or provisioned without being reserved."""
    reserved = state.reserved_by_function(tx, account, region)
    unreserved = sum(config["requested"] for key, config in CONFIGS.page(tx, account, region) if key.partition("/")[0] not in reserved)
    return sum(reserved.values()) + unreserved


def everywhere(tx: Tx) -> list[FunctionRef]:
    """Every function that has provisioned instances."""
    return sorted({FunctionRef(account, region, key.partition("/")[0]) for account, region, key, _ in CONFIGS.everywhere(tx)})


def _key(ref: FunctionRef) -> str:
    return f"{ref.name}/{ref.qualifier}"
