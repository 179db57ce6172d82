"""What the schema and the type say of a physical resource: when it must be replaced, under which id it is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.resource_type import ResourceType
from tule.services.cloudformation.engine.context import Journal
from tule.services.cloudformation.records import Resource
from tule.services.cloudformation.schemas import conform, schemas
from tule.services.cloudformation.template.evaluate import text

SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster"})


def same(old: Any, new: Any) -> bool:
    """Equal as CloudFormation compares: `1` and `"1"`, `true` and `"true"` are the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(same(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, str | int | float) and isinstance(new, str | int | float):
        return text(old) == text(new)
    return old == new


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the top-level properties that differ, in alphabetical order."""
    return sorted(name for name in {*old, *new} if name not in old or name not in new or not same(old[name], new[name]))


def replacing_properties(kind: ResourceType | None, type_name: str) -> frozenset[str]:
    """Paths (`Name`, `Schema/Key`) of properties whose change makes a new resource."""
    schema = None if type_name in conform.FREE else schemas.find(type_name)
    created_only = schema.get("createOnlyProperties", ()) if schema else ()
    return frozenset(path.removeprefix("/properties/") for path in created_only) | (kind.replace_on if kind else frozenset())


def must_replace(kind: ResourceType, record: Resource, properties: Mapping[str, Any]) -> bool:
    paths = replacing_properties(kind, record.type)
    return any(not same(_at(record.properties, path), _at(properties, path)) for path in paths)


def _at(properties: Mapping[str, Any], path: str) -> Any:
    value: Any = properties
    for part in path.replace(".", "/").split("/"):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def identifiers(type_name: str) -> list[str]:
    """Names of the properties of the primary identifier."""
    schema = schemas.find(type_name)
    return [path.removeprefix("/properties/") for path in schema.get("primaryIdentifier", ())] if schema else []


def guess(kind: ResourceType, properties: Mapping[str, Any], journal: Journal) -> str:
    """Under which id a creation that did not come to its end may have left something; empty when nothing can be said."""
    names = [name for name in identifiers(kind.name) if isinstance(properties.get(name), str)]
    if len(names) == 1 and len(identifiers(kind.name)) == 1:
        return str(properties[names[0]])
    named = _name_property(kind.name)
    if named and isinstance(properties.get(named), str):
        return str(properties[named])
    return journal.names[-1] if journal.names else ""


def named(type_name: str, properties: Mapping[str, Any]) -> str:
    """What the template itself names the resource (`a|b` where it takes several properties); empty when it leaves that to us."""
    values = [properties.get(name) for name in identifiers(type_name)]
    if values and all(isinstance(value, str) for value in values):
        return "|".join(str(value) for value in values)
    name = properties.get(_name_property(type_name) or "")
    return name if isinstance(name, str) else ""


def _name_property(type_name: str) -> str | None:
    """`RoleName` of AWS::IAM::Role, `Name` of others, where the schema has it and it makes a new resource."""
    last = type_name.rsplit("::", 1)[-1]
    created_only = replacing_properties(None, type_name)
    return next((name for name in (f"{last}Name", "Name") if name in created_only), None)


def custom_name(old: Resource, new: Resource) -> str | None:
    """The name that the template gives, where old and new would have to share it."""
    if old.type != new.type:
        return None
    names = identifiers(old.type)
    named = _name_property(old.type)
    if len(names) == 1 and named == names[0] and named in old.properties and same(old.properties[named], new.properties.get(named)):
        return str(old.properties[named])
    return None


def takes_tags(type_name: str) -> bool:
    schema = schemas.find(type_name)
    if schema is None:
        return type_name == "AWS::CloudFormation::Stack"
    tagging = schema.get("tagging")
    return bool(tagging.get("taggable", True)) if tagging else "Tags" in schema.get("properties", {})


def takes_system_tags(type_name: str) -> bool:
    """Whether CloudFormation puts its own `aws:cloudformation:...` tags on resources of the type."""
    schema = schemas.find(type_name)
    tagging = schema.get("tagging") if schema else None
    return takes_tags(type_name) and bool((tagging or {}).get("cloudFormationSystemTags", True))


def default_deletion_policy(type_name: str, body: Mapping[str, Any]) -> str:
    """AWS: DeletionPolicy attribute, default."""
    if type_name in SNAPSHOT_BY_DEFAULT:
        return "Snapshot"
    if type_name == "AWS::RDS::DBInstance" and "DBClusterIdentifier" not in (body.get("Properties") or {}):
        return "Snapshot"
    return "Delete"
