"""Key schemas, attribute definitions and indexes as CreateTable and UpdateTable give them, and as they are stored and shown.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tule.services.dynamodb.table import ACTIVE, ALL, INCLUDE, KEYS_ONLY

Params = Mapping[str, Any]
Types = Mapping[str, str]


def names_of(schema: Sequence[Params]) -> list[str]:
    return [element["AttributeName"] for element in schema]


def keys_of(schema: Sequence[Params]) -> dict[str, list[str]]:
    """`hash` and `range`, as stored."""
    return {
        "hash": [element["AttributeName"] for element in schema if element["KeyType"] == "HASH"],
        "range": [element["AttributeName"] for element in schema if element["KeyType"] == "RANGE"],
    }


def index_config(id: int, given: Params, *, is_global: bool, status: str = ACTIVE) -> dict[str, Any]:
    """An index as stored.  Units are those of a provisioned table."""
    projection = given["Projection"]
    kind = projection["ProjectionType"]
    units = given.get("ProvisionedThroughput") or {}
    config: dict[str, Any] = {
        "id": id,
        "name": given["IndexName"],
        "is_global": is_global,
        **keys_of(given["KeySchema"]),
        "projection": kind,
        "included": list(projection.get("NonKeyAttributes") or ()) if kind == INCLUDE else [],
        "status": status,
        "read_units": units.get("ReadCapacityUnits", 0),
        "write_units": units.get("WriteCapacityUnits", 0),
    }
    for member, name in (("OnDemandThroughput", "on_demand_throughput"), ("WarmThroughput", "warm")):
        if member in given:
            config[name] = given[member]
    return config


def used_types(types: Types, keyed: Iterable[Params]) -> dict[str, str]:
    """The types that some of these stored key schemas use: what is defined and no key is not kept."""
    used = {name for config in keyed for name in (*config["hash"], *config["range"])}
    return {name: kind for name, kind in types.items() if name in used}


def shown_keys(config: Params) -> list[dict[str, str]]:
    """A stored key schema as the API shows it."""
    return [
        *({"AttributeName": name, "KeyType": "HASH"} for name in config["hash"]),
        *({"AttributeName": name, "KeyType": "RANGE"} for name in config["range"]),
    ]


def shown_projection(config: Params) -> dict[str, Any]:
    if config["projection"] in (ALL, KEYS_ONLY):
        return {"ProjectionType": config["projection"]}
    return {"ProjectionType": INCLUDE, "NonKeyAttributes": config["included"]}


def shown_types(types: Types) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
