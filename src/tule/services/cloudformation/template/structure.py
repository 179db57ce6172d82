"""The form of a template: sections, names, what every member must have.  Refused before anything is evaluated.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import re
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.text import Document

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata", "Outputs", "Parameters", "Resources",
        "Rules", "Transform",
    }
)  # fmt: skip
RESOURCE_ATTRIBUTES = frozenset(
    {
        "Type", "Properties", "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "Metadata", "UpdatePolicy",
        "UpdateReplacePolicy", "Version",
    }
)  # fmt: skip
SAM_ATTRIBUTES = RESOURCE_ATTRIBUTES | {"Connectors", "IgnoreGlobals"}
ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
MAX_RESOURCES = 500
MAX_PARAMETERS = 200
MAX_OUTPUTS = 200
MAX_MAPPINGS = 200
MAX_DESCRIPTION_BYTES = 1024
DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")


def check(document: Document, *, transformed: bool = True) -> None:
    """Raises TemplateError.  Before its transform has run a template may carry what only the transform understands."""
    unknown = [name for name in document if name not in SECTIONS]
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    _check_header(document)
    _check_parameters(document)
    _check_mappings(document)
    _section(document, "Conditions")
    _section(document, "Rules")
    _check_resources(document, transformed)
    _check_outputs(document)


def _section(document: Document, name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise TemplateError(f"Template format error: {name} must be a map of members.")
    return section


def _check_header(document: Document) -> None:
    version = document.get("AWSTemplateFormatVersion")
    if version is not None and str(version) != "2010-09-09":
        raise TemplateError("Template format error: unsupported value for AWSTemplateFormatVersion.")
    description = document.get("Description")
    if description is not None and not isinstance(description, str):
        raise TemplateError("Template format error: Description must be a string.")
    if description and len(description.encode()) > MAX_DESCRIPTION_BYTES:
        raise TemplateError("Template format error: 'Description' length is greater than 1024.")


def _check_parameters(document: Document) -> None:
    parameters = _section(document, "Parameters")
    _check_count("Parameters", parameters, MAX_PARAMETERS)
    for name, body in parameters.items():
        _check_name("Parameter", name)
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            raise TemplateError("Template format error: Every Parameters object must contain a Type member.")


def _check_mappings(document: Document) -> None:
    mappings = _section(document, "Mappings")
    _check_count("Mappings", mappings, MAX_MAPPINGS)
    for name, mapping in mappings.items():
        if name.startswith("Fn::"):
            continue
        if not isinstance(mapping, dict):
            raise TemplateError(f"Template format error: Every Mappings member {name} must be a map")
        for key, attributes in mapping.items():
            if key.startswith("Fn::"):
                continue
            if not isinstance(attributes, dict):
                raise TemplateError(f"Template format error: Every Mappings member {name} must be a map of maps")
            if any(isinstance(value, dict) for value in attributes.values()) and not set(attributes) & {"Fn::Transform"}:
                raise TemplateError("Template format error: Every Mappings attribute must be a String or a List.")


def _check_resources(document: Document, transformed: bool) -> None:
    resources = _section(document, "Resources")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    _check_count("Resources", resources, MAX_RESOURCES)
    for name, body in resources.items():
        if not transformed and name.startswith("Fn::"):
            continue
        _check_name("Resource", name)
        _check_resource(name, body, transformed)


def _check_resource(name: str, body: Any, transformed: bool) -> None:
    if not isinstance(body, dict):
        raise TemplateError(f"Template format error: [/Resources/{name}] resource definition is malformed")
    if not isinstance(body.get("Type"), str):
        raise TemplateError(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    for attribute in body:
        if attribute not in (RESOURCE_ATTRIBUTES if transformed else SAM_ATTRIBUTES) and not attribute.startswith("Fn::"):
            raise TemplateError(f"Invalid template resource property '{attribute}'")
    if "Properties" in body and body["Properties"] is not None and not isinstance(body["Properties"], dict):
        raise TemplateError(f"Template format error: [/Resources/{name}/Properties] must be a map")
    _check_depends_on(name, body.get("DependsOn"))
    if transformed:
        _check_policies(body)


def _check_depends_on(name: str, depends_on: Any) -> None:
    names = depends_on if isinstance(depends_on, list) else [depends_on] if depends_on is not None else []
    if not all(isinstance(item, str) for item in names):
        raise TemplateError("Template format error: DependsOn must be a string or list of strings.")
    if name in names:
        raise TemplateError(f"Circular dependency between resources: [{name}]")


def _check_policies(body: dict[str, Any]) -> None:
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        policy = body.get(attribute)
        if isinstance(policy, str) and policy not in DELETION_POLICIES:
            raise TemplateError(f"Template format error: Unrecognized {attribute} {policy} for resource.")
        if attribute == "UpdateReplacePolicy" and policy == "RetainExceptOnCreate":
            raise TemplateError(f"Template format error: Unrecognized {attribute} {policy} for resource.")


def _check_outputs(document: Document) -> None:
    outputs = _section(document, "Outputs")
    _check_count("Outputs", outputs, MAX_OUTPUTS)
    for name, body in outputs.items():
        if name.startswith("Fn::"):
            continue
        if not ALPHANUMERIC.fullmatch(name):
            raise TemplateError(f"Template format error: Output name {name} is non alphanumeric.")
        if not isinstance(body, dict) or body.get("Value") is None:
            raise TemplateError("Template format error: Every Outputs member must contain a Value object")
        if "Export" in body and (not isinstance(body["Export"], dict) or "Name" not in body["Export"]):
            raise TemplateError("Template format error: Output Export must contain a Name")


def _check_name(kind: str, name: str) -> None:
    if not ALPHANUMERIC.fullmatch(name):
        raise TemplateError(f"Template format error: {kind} name {name} is non alphanumeric.")


def _check_count(section: str, members: dict[str, Any], limit: int) -> None:
    if len(members) > limit:
        raise TemplateError(f"Template format error: Number of {section.lower()}, {len(members)}, is greater than maximum allowed, {limit}")
