"""From what a caller sends (template, parameters, capabilities) to a definition that a stack can be made of.

All that can be refused is refused here, before anything exists.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.call import Call
from tule.services.cloudformation import errors, sources, state
from tule.services.cloudformation.engine.run import assumed, resource_types
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Definition, Stack
from tule.services.cloudformation.schemas import conform, schemas
from tule.services.cloudformation.template import parameters, references, structure
from tule.services.cloudformation.template.evaluate import UNKNOWN
from tule.services.cloudformation.template.template import Place, Template
from tule.services.cloudformation.template.text import Document, parse
from tule.services.cloudformation.transform import transforms

IAM_TYPES = frozenset(
    {
        "AWS::IAM::AccessKey", "AWS::IAM::Group", "AWS::IAM::InstanceProfile", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role",
        "AWS::IAM::User", "AWS::IAM::UserToGroupAddition", "AWS::IAM::GroupPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy",
    }
)  # fmt: skip
NAMES_OF_IAM = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")


@dataclass(slots=True, frozen=True)
class Intake:
    """A definition with its template's texts, ready to be stored; `template` evaluates it."""

    definition: Definition
    original: str
    processed: Document
    template: Template


async def take(call: Call, params: Mapping[str, Any], place: Place, stack: Stack | None, *, expands: bool) -> Intake:
    """Read and check what a caller wants of a stack (`stack` as it is now, None when it is to be created).

    `expands`: transforms need no capability, since the caller will look at the change set.  Raises ServiceError.
    """
    original = await sources.template_text(call, params, stack)
    try:
        document = parse(original)
        structure.check(document, transformed=False)
        values = _values(document, params, stack)
        processed = await transforms.apply(call, document, values, place)
        structure.check(processed)
        references.check(processed)
        declared = parameters.declarations(processed.get("Parameters") or {})
        values = {**{name: d.default for name, d in declared.items() if d.default is not None}, **values}
        resolved = await sources.ssm_values(call, declared, values)
        exports = await call.node.store.read(lambda tx: state.exports(tx, call.account, call.region))
        template = Template(processed, {**values, **resolved}, place, {name: export.value for name, export in exports.items()})
        template.assert_rules()
        _check_types(call, template)
        _check_properties(call, template)
    except TemplateError as error:
        raise error.as_service_error() from error
    _check_capabilities(params, document, template, expands)
    _check_allowed_types(params, template)
    await _check_role(call, params, place)
    definition = Definition(
        call.node.ids.uuid(),
        str(processed.get("Description") or ""),
        values,
        resolved,
        list(dict.fromkeys(str(name) for name in params.get("Capabilities", []))),
        to_map(params["Tags"]) if "Tags" in params else dict(stack.definition.tags) if stack else {},
        list(params["NotificationARNs"]) if "NotificationARNs" in params else list(stack.definition.notification_arns) if stack else [],
        params.get("RoleARN") or (stack.definition.role_arn if stack else ""),
    )
    return Intake(definition, original, processed, template)


def _values(document: Document, params: Mapping[str, Any], stack: Stack | None) -> dict[str, str]:
    declared = parameters.declarations(document.get("Parameters") or {})
    said = parameters.given(params.get("Parameters") or ())
    return parameters.values(declared, said, stack.definition.parameters if stack else None)


def _check_types(call: Call, template: Template) -> None:
    built, known = resource_types(call.node), schemas.type_names()
    used = {body["Type"] for body in template.document["Resources"].values() if not body["Type"].startswith(CUSTOM)}
    unknown = sorted(name for name in used if name not in known and name not in built)
    if unknown:
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    missing = sorted(name for name in {body["Type"] for body in template.resources.values()} if name in used and name not in built)
    if missing:
        raise errors.not_built(missing)


def _check_properties(call: Call, template: Template) -> None:
    """What can be said before anything exists: properties that the type does not have, and values that are known already.

    Raises TemplateError, ServiceError.
    """
    types = resource_types(call.node)
    nothing = _Unknown(set(template.resources))
    template = dataclasses.replace(template, exports=_AnyExport(template.exports))
    for logical_id, body in template.resources.items():
        wrong = conform.unsupported(body.get("Properties") or {}, body["Type"])
        if wrong:
            raise TemplateError(f"Encountered unsupported property {wrong}")
        properties = conform.conformed(logical_id, body["Type"], template.properties(logical_id, nothing))
        check = getattr(types.get(body["Type"]), "check", None)
        if check is not None:
            check(properties)


class _AnyExport(dict[str, Any]):
    """Exports, where one that is missing is merely not known yet: AWS finds that out when the stack runs."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return UNKNOWN


class _Unknown:
    """Resources before any of them exists."""

    def __init__(self, logical_ids: set[str]) -> None:
        self._logical_ids = logical_ids

    def __contains__(self, logical_id: object) -> bool:
        return logical_id in self._logical_ids

    def ref(self, logical_id: str) -> Any:
        return UNKNOWN

    def attribute(self, logical_id: str, name: str) -> Any:
        return UNKNOWN


def needed_capabilities(template: Template) -> list[str]:
    """AWS: CreateStack, Capabilities."""
    iam = {name: body for name, body in template.resources.items() if body["Type"] in IAM_TYPES}
    if not iam:
        return []
    return [iam_capability(iam)]


def iam_capability(resources: Mapping[str, Any]) -> str:
    """What creating these resources asks for: more when any of them is named."""
    named = any(
        NAMES_OF_IAM.get(str(body.get("Type")), "") in (body.get("Properties") or {}) for body in resources.values() if isinstance(body, dict)
    )
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


def _check_capabilities(params: Mapping[str, Any], document: Document, template: Template, expands: bool) -> None:
    given: set[str] = set(params.get("Capabilities", []))
    needed = needed_capabilities(template)
    missing = [name for name in needed if name not in given and not (name == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in given)]
    if not expands and "CAPABILITY_AUTO_EXPAND" not in given and transforms.are_wanted(document):
        missing.append("CAPABILITY_AUTO_EXPAND")
    if missing:
        raise errors.insufficient_capabilities(missing)


def _check_allowed_types(params: Mapping[str, Any], template: Template) -> None:
    allowed = params.get("ResourceTypes")
    for body in template.resources.values() if allowed else ():
        if not any(_is_allowed(body["Type"], pattern) for pattern in allowed or ()):
            raise errors.validation(f"Resource type {body['Type']} is not allowed by parameter ResourceTypes [{', '.join(allowed or ())}]")


async def _check_role(call: Call, params: Mapping[str, Any], place: Place) -> None:
    role = params.get("RoleARN")
    if not role:
        return
    try:
        await assumed(call.node, place, role)
    except ServiceError as error:
        raise errors.validation(f"Role {role} is invalid or cannot be assumed") from error


def _is_allowed(type_name: str, pattern: str) -> bool:
    return type_name == pattern or (pattern.endswith("::*") and type_name.startswith(pattern[:-1])) or pattern == "*"
