"""Key schemas, attribute definitions and indexes as CreateTable and UpdateTable give them, checked in DynamoDB's order.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.services.dynamodb import errors
from tule.services.dynamodb.table import ACTIVE, ALL, INCLUDE, KEYS_ONLY

Params = Mapping[str, Any]
Types = Mapping[str, str]


def types_of(definitions: Sequence[Params]) -> dict[str, str]:
    """S, N or B by attribute.  Raises ValidationException for an attribute that is defined twice."""
    types: dict[str, str] = {}
    for definition in definitions:
        name, kind = definition["AttributeName"], definition["AttributeType"]
        if name in types:
            raise errors.validation("Cannot have two attributes with the same name")
        types[name] = kind
    return types


def keys_of(schema: Sequence[Params]) -> dict[str, list[str]]:
    """`hash` and `range`, as stored."""
    return {
        "hash": [element["AttributeName"] for element in schema if element["KeyType"] == "HASH"],
        "range": [element["AttributeName"] for element in schema if element["KeyType"] == "RANGE"],
    }


def index_config(id: int, given: Params, *, is_global: bool, status: str = ACTIVE) -> dict[str, Any]:
    """An index as stored.  Units are those of a provisioned table."""
    projection = given.get("Projection") or {}
    kind = projection.get("ProjectionType", ALL)
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
