"""Looking at templates before stacks are made of them.  AWS: CloudFormation API reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.platform.call import Call
from tule.services.cloudformation import errors, intake, lookup, sources, state
from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template import parameters, references, structure
from tule.services.cloudformation.template.parameters import Declaration
from tule.services.cloudformation.template.text import Document, parse
from tule.services.cloudformation.transform import transforms


async def validate_template(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    document = _checked(await sources.template_text(call, params, None))
    declared = parameters.declarations(document.get("Parameters") or {})
    return {"Parameters": [_parameter(declaration) for declaration in declared.values()], **_described(document)}


def _checked(text: str) -> Document:
    """What can be said of a template without its parameters.  Raises ServiceError."""
    try:
        document = parse(text)
        wanted = transforms.wanted(document)
        structure.check(document, transformed=not wanted)
        if not wanted:
            references.check(document)
        parameters.declarations(document.get("Parameters") or {})
    except TemplateError as error:
        raise error.as_service_error() from error
    return document


def _parameter(declaration: Declaration) -> dict[str, Any]:
    return {
        "ParameterKey": declaration.name,
        "DefaultValue": declaration.default,
        "NoEcho": declaration.no_echo,
        "Description": declaration.body.get("Description"),
    }


def _described(document: Document) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if document.get("Description"):
        shown["Description"] = document["Description"]
    declared = [transform.name for transform in transforms.wanted(document)]
    iam = sorted({body["Type"] for body in document["Resources"].values() if isinstance(body, dict) and body.get("Type") in intake.IAM_TYPES})
    if iam:
        shown["Capabilities"] = [intake.iam_capability(document["Resources"])]
        shown["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(iam)}]"
    if declared:
        shown["DeclaredTransforms"] = declared
        shown.setdefault("Capabilities", []).append("CAPABILITY_AUTO_EXPAND")
    return shown


async def get_template_summary(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    text = await _summary_text(call, params)
    document = _checked(text)
    declared = parameters.declarations(document.get("Parameters") or {})
    by_type: dict[str, list[str]] = {}
    for name, body in document["Resources"].items():
        if isinstance(body, dict) and "Type" in body:
            by_type.setdefault(body["Type"], []).append(name)
    shown: dict[str, Any] = {
        "Parameters": [{**_parameter(item), "ParameterType": item.type, "ParameterConstraints": _constraints(item)} for item in declared.values()],
        "ResourceTypes": sorted(by_type),
        "ResourceIdentifierSummaries": [_identified(kind, names) for kind, names in sorted(by_type.items())],
        **_described(document),
    }
    if document.get("AWSTemplateFormatVersion"):
        shown["Version"] = str(document["AWSTemplateFormatVersion"])
    if document.get("Metadata"):
        shown["Metadata"] = orjson.dumps(document["Metadata"]).decode()
    return shown


async def _summary_text(call: Call, params: Mapping[str, Any]) -> str:
    name = params.get("StackName")
    given = [key for key in ("TemplateBody", "TemplateURL", "StackName") if params.get(key)]
    if len(given) != 1:
        raise errors.validation("One of TemplateBody, TemplateURL, StackName or StackSetName must be specified.")
    if not name:
        return await sources.template_text(call, params, None)

    def read(tx: Any) -> str:
        stack = lookup.any_stack(call, tx, name)
        return state.original_template(tx, stack.id, stack.definition.template)

    return await call.node.store.read(read)


def _constraints(declaration: Declaration) -> dict[str, Any]:
    allowed = declaration.body.get("AllowedValues")
    return {"AllowedValues": [str(value) for value in allowed]} if allowed else {}


def _identified(type_name: str, logical_ids: list[str]) -> dict[str, Any]:
    summary: dict[str, Any] = {"ResourceType": type_name, "LogicalResourceIds": logical_ids}
    identifiers = physical.identifiers(type_name)
    return {**summary, "ResourceIdentifiers": identifiers} if identifiers else summary
