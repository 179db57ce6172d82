"""What an operation would change: the `Changes` of a change set.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html

A property changes because the template says something else (static), because a parameter has another value, or because
what it refers to changes: the Ref of a resource that is replaced, an attribute of one that is changed at all (whether
the value then differs is only known afterwards: dynamic).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.platform.resource_type import ResourceType
from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.engine.run import Known
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Resource
from tule.services.cloudformation.template.evaluate import NO_VALUE, UNKNOWN, NoResources, Scope, is_known, resolve, shown
from tule.services.cloudformation.template.references import order
from tule.services.cloudformation.template.template import Template

Change = dict[str, Any]


@dataclass(slots=True)
class Changes:
    """`plain` is what DescribeChangeSet shows, `valued` with IncludePropertyValues; `warnings` say what could not be valued."""

    plain: list[Change] = field(default_factory=list[Change])
    valued: list[Change] = field(default_factory=list[Change])
    warnings: list[str] = field(default_factory=list[str])


@dataclass(slots=True, frozen=True)
class Before:
    """The stack as it is: records of its resources, its parameters' values, its tags, and the template's text of properties."""

    records: Mapping[str, Resource]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    document: Mapping[str, Any]


NOTHING = Before({}, {}, {}, {})


def changes_of(types: Mapping[str, ResourceType], template: Template, before: Before, tags: Mapping[str, str]) -> Changes:
    """The changes from `before` to `template` (and the stack tags `tags`), by logical id."""
    differ = _Differ(types, template, before, tags)
    found = differ.all()
    result = Changes(warnings=differ.warnings)
    for name in sorted(found):
        plain, valued = found[name]
        result.plain.append({"Type": "Resource", "ResourceChange": plain})
        if valued is not None:
            result.valued.append({"Type": "Resource", "ResourceChange": valued})
    return result


@dataclass(slots=True)
class _Traced:
    """Notes what a property's value was made of.  A resource that will be replaced is not known yet."""

    known: Known
    replaced: set[str]
    refs: list[str] = field(default_factory=list[str])
    attributes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __contains__(self, logical_id: object) -> bool:
        return logical_id in self.known

    def ref(self, logical_id: str) -> Any:
        self.refs.append(logical_id)
        return UNKNOWN if logical_id in self.replaced else self.known.ref(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        self.attributes.append((logical_id, name))
        return UNKNOWN if logical_id in self.replaced else self.known.attribute(logical_id, name)


class _TracedParameters(dict[str, Any]):
    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return super().__getitem__(name)


@dataclass(slots=True, frozen=True)
class _Cause:
    source: str  # DirectModification, ParameterReference, ResourceReference, ResourceAttribute
    evaluation: str
    entity: str = ""


class _Differ:
    def __init__(self, types: Mapping[str, ResourceType], template: Template, before: Before, tags: Mapping[str, str]) -> None:
        self.types = types
        self.template = template
        self.before = before
        self.tags = tags
        self.known = Known(dict(before.records))
        self.replaced: set[str] = set()
        self.modified: set[str] = set()
        self.warnings: list[str] = []
        self.scope = template.scope(NoResources())

    def all(self) -> dict[str, tuple[Change, Change | None]]:
        found: dict[str, tuple[Change, Change | None]] = {}
        for name, record in self.before.records.items():
            if name not in self.template.resources and record.physical_id:
                found[name] = self._removal(name, record)
        for name in order(self.template.resources):
            change = self._of(name)
            if change is not None:
                found[name] = change
        return found

    def _removal(self, name: str, record: Resource) -> tuple[Change, Change]:
        plain = {
            "PolicyAction": record.deletion_policy if record.deletion_policy != "RetainExceptOnCreate" else "Retain",
            "Action": "Remove",
            "LogicalResourceId": name,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "Scope": [],
            "Details": [],
        }
        return plain, {**plain, "BeforeContext": _context(record.properties)}

    def _of(self, name: str) -> tuple[Change, Change | None] | None:
        record = self.before.records.get(name)
        if record is None or not record.physical_id:
            return self._addition(name)
        return self._modification(name, record)

    def _addition(self, name: str) -> tuple[Change, Change]:
        self.replaced.add(name)
        plain = {"Action": "Add", "LogicalResourceId": name, "ResourceType": self.template.resources[name]["Type"], "Scope": [], "Details": []}
        properties = {key: value for key, value, _ in self._properties(name)}
        return plain, {**plain, "AfterContext": _context(properties)}

    def _properties(self, name: str) -> Iterator[tuple[str, Any, list[_Cause]]]:
        """Each property of the template with its value, as far as it is known, and what might change it."""
        for key, node in (self.template.resources[name].get("Properties") or {}).items():
            resources = _Traced(self.known, self.replaced)
            parameters = _TracedParameters(self.scope.parameters)
            scope = Scope(parameters, self.scope.pseudo, self.scope.mappings, self.scope.conditions, self.scope.exports, resources)
            value = self._value(name, node, scope)
            if value is not NO_VALUE:
                yield key, value, self._causes(parameters, resources)

    def _value(self, name: str, node: Any, scope: Scope) -> Any:
        try:
            return resolve(node, scope)
        except TemplateError as error:
            self.warnings.append(f"ChangeSet creation failed for resource [{name}] because: {error.message}")
            return UNKNOWN

    def _causes(self, parameters: _TracedParameters, resources: _Traced) -> list[_Cause]:
        causes = [
            _Cause("ParameterReference", "Static", name)
            for name in dict.fromkeys(parameters.asked)
            if self.before.parameters.get(name) != self.scope.parameters[name] and not self._is_fetched(name)
        ]
        causes += [_Cause("ResourceReference", "Static", name) for name in dict.fromkeys(resources.refs) if self._is_replaced(name)]
        for name, attribute in dict.fromkeys(resources.attributes):
            if self._is_replaced(name) or name in self.modified:
                evaluation = "Static" if name in self.replaced else "Dynamic"
                causes.append(_Cause("ResourceAttribute", evaluation, f"{name}.{attribute}"))
        return causes

    def _is_fetched(self, parameter: str) -> bool:
        """The value of an SSM parameter is not what the caller changed."""
        declared = self.template.declared.get(parameter)
        return declared is not None and declared.ssm_type is not None

    def _is_replaced(self, name: str) -> bool:
        return name in self.replaced and name in self.before.records

    def _modification(self, name: str, record: Resource) -> tuple[Change, Change | None] | None:
        type_name = self.template.resources[name]["Type"]
        properties = list(self._properties(name))
        details: list[tuple[Change, Change | None]] = []
        created_only = {path.split("/")[0] for path in physical.replacing_properties(self.types.get(type_name), type_name)}
        after = {key: value for key, value, _ in properties}
        recreations: dict[str, str] = {}
        for key, value, causes in properties:
            applying = _applying(record.properties.get(key), value, causes)
            if applying:
                recreations[key] = _recreation(key in created_only, applying)
                details += [_detail(key, cause, key in created_only, record.properties.get(key), value) for cause in applying]
        for key in record.properties.keys() - after.keys():
            recreations[key] = "True" if key in created_only else "False"
            details.append(_detail(key, _Cause("DirectModification", "Static"), key in created_only, record.properties[key], None))
        return self._change(name, record, type_name, details, recreations, after)

    def _change(
        self,
        name: str,
        record: Resource,
        type_name: str,
        details: list[tuple[Change, Change | None]],
        recreations: Mapping[str, str],
        after: Mapping[str, Any],
    ) -> tuple[Change, Change | None] | None:
        scope = ["Properties"] if details else []
        others = self._others(name, record, type_name)
        if not details and not others and record.type == type_name:
            return None
        replacement = "True" if record.type != type_name or "True" in recreations.values() else "False"
        if replacement == "False" and "Conditional" in recreations.values():
            replacement = "Conditional"
        (self.replaced if replacement == "True" else self.modified).add(name)
        plain: Change = {
            "Action": "Modify",
            "LogicalResourceId": name,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": type_name,
            "Replacement": replacement,
            "Scope": scope + [attribute for attribute, _ in others],
            "Details": [detail for detail, _ in details] + [detail for _, detail in others],
        }
        if replacement != "False":
            policy = self.template.attribute(name, "UpdateReplacePolicy") or "Delete"
            plain["PolicyAction"] = f"ReplaceAnd{policy}"
        valued_details = [valued for _, valued in details if valued is not None] + [detail for _, detail in others]
        if not valued_details and record.type == type_name:
            return plain, None
        contexts = {"BeforeContext": _context(record.properties), "AfterContext": _context(after)}
        return plain, {**plain, "Details": valued_details, **contexts}

    def _others(self, name: str, record: Resource, type_name: str) -> list[tuple[str, Change]]:
        """Changes beside properties: tags of the stack, metadata."""
        found: list[tuple[str, Change]] = []
        if dict(self.before.tags) != dict(self.tags) and physical.takes_tags(type_name):
            found.append(("Tags", _other_detail("Tags")))
        if self.template.resources[name].get("Metadata") != record.metadata:
            found.append(("Metadata", _other_detail("Metadata")))
        return found


def _other_detail(attribute: str) -> Change:
    return {"Target": {"Attribute": attribute, "RequiresRecreation": "Never"}, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _applying(old: Any, new: Any, causes: list[_Cause]) -> list[_Cause]:
    """The causes that a change set names; none when the value is known to stay."""
    outer = [cause for cause in causes if cause.source != "ParameterReference"]
    if is_known(new) and physical.same(old, new) and not outer:
        return []
    if outer:
        return outer
    if causes:
        return [*causes, _Cause("DirectModification", "Dynamic")]
    return [_Cause("DirectModification", "Static")]


def _recreation(created_only: bool, causes: list[_Cause]) -> str:
    if not created_only:
        return "False"
    return "True" if any(cause.evaluation == "Static" for cause in causes) else "Conditional"


def _detail(key: str, cause: _Cause, created_only: bool, old: Any, new: Any) -> tuple[Change, Change | None]:
    target: Change = {"Attribute": "Properties", "Name": key, "RequiresRecreation": "Always" if created_only else "Never"}
    plain: Change = {"Target": target, "Evaluation": cause.evaluation, "ChangeSource": cause.source}
    if cause.entity:
        plain["CausingEntity"] = cause.entity
    if cause.source == "ResourceAttribute" and cause.evaluation == "Dynamic":
        return plain, None
    values: Change = {"Path": f"/Properties/{key}", "AttributeChangeType": "Add" if old is None else "Remove" if new is None else "Modify"}
    if old is not None:
        values["BeforeValue"] = _said(old)
    if new is not None:
        values["AfterValue"] = _said(shown(new))
    return plain, {**plain, "Target": {**target, **values}}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _context(properties: Mapping[str, Any]) -> str:
    return orjson.dumps({"Properties": shown(dict(properties))}).decode()
