"""What is wrong with a table's keys and indexes, in DynamoDB's words and in its order.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html, and Constraints in the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.services.dynamodb import errors
from tule.services.dynamodb.schemas import names_of
from tule.services.dynamodb.table import INCLUDE

Params = Mapping[str, Any]

MAX_LOCAL = 5
MAX_GLOBAL = 20
MAX_PARTS = 4  # of each kind, in a global index's key
MAX_INCLUDED = 100  # attributes named by all indexes of a table


def types_of(definitions: Sequence[Params] | None) -> dict[str, str]:
    """S, N or B by attribute.  Raises ValidationException."""
    if definitions is None:
        raise errors.constraint("attributeDefinitions", None, "Member must not be null")
    types: dict[str, str] = {}
    for definition in definitions:
        if definition["AttributeName"] in types:
            raise errors.parameter_values(f"Duplicate AttributeName in AttributeDefinitions: {definition['AttributeName']}")
        types[definition["AttributeName"]] = definition["AttributeType"]
    return types


def check_table_keys(schema: Sequence[Params] | None, types: Mapping[str, str]) -> None:
    """Raises ValidationException."""
    if schema is None:
        raise errors.constraint("keySchema", None, "Member must not be null")
    _check_two(schema, "keySchema")
    if any(name not in types for name in names_of(schema)):
        raise errors.parameter_values(
            f"Some index key attributes are not defined in AttributeDefinitions. Keys: {_listed(names_of(schema))},"
            f" AttributeDefinitions: {_listed(types)}"
        )
    _check_order(schema)


def check_indexes(params: Params, types: Mapping[str, str]) -> None:
    """Of a new table, whose own keys are checked.  Raises ValidationException."""
    schema: Sequence[Params] = params["KeySchema"]
    local: Sequence[Params] | None = params.get("LocalSecondaryIndexes")
    of_all: Sequence[Params] | None = params.get("GlobalSecondaryIndexes")
    if local is None and of_all is None and len(types) != len(schema):
        raise errors.parameter_values("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
    _check_lists(local, of_all)
    taken: set[str] = set()
    for index in local or ():
        _check_local(index, schema, types, taken)
    for index in of_all or ():
        check_global(index, types)
        _take(index["IndexName"], taken)
    check_included([*(local or ()), *(of_all or ())])
    _check_all_used(params, types)


def _check_lists(local: Sequence[Params] | None, of_all: Sequence[Params] | None) -> None:
    if local is not None and not local:
        raise errors.parameter_values("List of LocalSecondaryIndexes is empty")
    if of_all is not None and not of_all:
        raise errors.parameter_values("List of GlobalSecondaryIndexes is empty")
    if len(local or ()) > MAX_LOCAL:
        raise errors.parameter_values(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL}")
    if len(of_all or ()) > MAX_GLOBAL:
        raise errors.parameter_values(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}")


def _check_local(index: Params, table: Sequence[Params], types: Mapping[str, str], taken: set[str]) -> None:
    name, schema = index["IndexName"], index["KeySchema"]
    if len(table) < 2:
        raise errors.parameter_values("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
    _check_two(schema, "localSecondaryIndexes.1.member.keySchema")
    _check_defined(schema, types)
    _check_order(schema)
    check_projection(index)
    _take(name, taken)
    if len(schema) < 2:
        raise errors.parameter_values(f"Index KeySchema does not have a range key for index: {name}")
    own, tables = schema[0]["AttributeName"], table[0]["AttributeName"]
    if own != tables:
        raise errors.parameter_values(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}."
            f" index hash key: {own}, table hash key: {tables}"
        )


def check_global(index: Params, types: Mapping[str, str]) -> None:
    """Raises ValidationException."""
    schema = index["KeySchema"]
    kinds = [element["KeyType"] for element in schema]
    if kinds[0] != "HASH":
        raise errors.validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > MAX_PARTS:
            raise errors.parameter_values(f"Number of {kind} key attributes exceeds the limit of {MAX_PARTS} for index: {index['IndexName']}")
    if kinds != sorted(kinds):
        raise errors.parameter_values(f"All HASH key attributes must precede all RANGE key attributes in KeySchema for index: {index['IndexName']}")
    _check_defined(schema, types)
    names = names_of(schema)
    if len(set(names)) < len(names):
        raise errors.validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    check_projection(index)


def check_projection(index: Params) -> None:
    """Raises ValidationException."""
    projection: Params = index.get("Projection") or {}
    kind, included = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise errors.parameter_values("Unknown ProjectionType: null")
    if kind == INCLUDE and included is None:
        raise errors.parameter_values("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != INCLUDE and included is not None:
        raise errors.parameter_values(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if included is not None and len(set(included)) < len(included):
        raise errors.parameter_values(f"Duplicate attribute in NonKeyAttributes for index: {index['IndexName']}")


def check_included(indexes: Sequence[Params]) -> None:
    """The limit on attributes that all indexes of a table name.  Raises ValidationException."""
    count = sum(len((index.get("Projection") or {}).get("NonKeyAttributes") or ()) for index in indexes)
    if count > MAX_INCLUDED:
        raise errors.parameter_values(
            f"Number of user-specified projected attributes in all secondary indexes, {count}, exceeds the limit of {MAX_INCLUDED}"
        )


def check_redefined(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """An attribute that is a key keeps its type.  Raises ValidationException."""
    for name, kind in new.items():
        if name in old and old[name] != kind:
            raise errors.parameter_values(
                "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined."
                f" Existing schema: Schema:[{_element(name, old[name])}] New schema: Schema:[{_element(name, kind)}]"
            )


def _element(name: str, kind: str) -> str:
    return f"SchemaElement: key{{{name}:{kind}:HASH}}"


def _check_two(schema: Sequence[Params], member: str) -> None:
    if len(schema) > 2:
        shown = ", ".join(f"KeySchemaElement(attributeName={one['AttributeName']}, keyType={one['KeyType']})" for one in schema)
        raise errors.constraint(member, f"[{shown}]", "Member must have length less than or equal to 2")


def _check_order(schema: Sequence[Params]) -> None:
    if len(schema) == 2 and schema[0]["AttributeName"] == schema[1]["AttributeName"]:
        raise errors.validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if schema[0]["KeyType"] != "HASH":
        raise errors.validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) == 2 and schema[1]["KeyType"] != "RANGE":
        raise errors.validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_defined(schema: Sequence[Params], types: Mapping[str, str]) -> None:
    names = names_of(schema)
    if any(name not in types for name in names):
        raise errors.parameter_values(
            f"Some index key attributes are not defined in AttributeDefinitions. Keys: {_listed(names)}, AttributeDefinitions: {_listed(types)}"
        )


def _check_all_used(params: Params, types: Mapping[str, str]) -> None:
    schemas = [params["KeySchema"]]
    schemas += [index["KeySchema"] for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes") for index in params.get(member) or ()]
    used = sorted({name for schema in schemas for name in names_of(schema)})
    if len(used) < len(types):
        raise errors.parameter_values(f"Some AttributeDefinitions are not used. AttributeDefinitions: {_listed(types)}, keys used: {_listed(used)}")


def _take(name: str, taken: set[str]) -> None:
    if name in taken:
        raise errors.parameter_values(f"Duplicate index name: {name}")
    taken.add(name)


def _listed(names: Sequence[str] | Mapping[str, str]) -> str:
    return f"[{', '.join(names)}]"
