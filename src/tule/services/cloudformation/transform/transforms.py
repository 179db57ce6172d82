"""Apply what the template's `Transform` section and its `Fn::Transform`s ask for, in AWS's order: the innermost first,
then those of the whole template, one after the other.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tule.platform.call import Call
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template import parameters
from tule.services.cloudformation.template.conditions import decide
from tule.services.cloudformation.template.evaluate import Scope, resolve
from tule.services.cloudformation.template.template import Place
from tule.services.cloudformation.template.text import Document
from tule.services.cloudformation.transform import include, language_extensions, macro, sam


@dataclass(slots=True, frozen=True)
class Wanted:
    """One transform, with the parameters given to it."""

    name: str
    parameters: Mapping[str, Any]


def wanted(document: Document) -> list[Wanted]:
    """The document's `Transform` section, in order.  Raises TemplateError where it is malformed."""
    section = document.get("Transform")
    return [_wanted(item) for item in (section if isinstance(section, list) else [] if section is None else [section])]


def _wanted(item: Any) -> Wanted:
    if isinstance(item, str):
        return Wanted(item, {})
    if isinstance(item, dict) and isinstance(item.get("Name"), str):
        return Wanted(item["Name"], item.get("Parameters") or {})
    raise TemplateError("Key Name of transform definition must be a string.")


def are_wanted(document: Document) -> bool:
    """Whether anything of the template is to be transformed."""
    return bool(wanted(document)) or _has_embedded(document)


def _has_embedded(node: Any) -> bool:
    if isinstance(node, dict):
        return "Fn::Transform" in node or any(_has_embedded(value) for value in node.values())
    return isinstance(node, list) and any(_has_embedded(item) for item in node)


async def apply(call: Call, document: Document, values: Mapping[str, str], place: Place) -> Document:
    """The processed template.  Raises TemplateError, and ServiceError of what was asked."""
    if _has_embedded(document):
        document = await _embedded(call, document, _Setting(document, values, place))
    for transform in wanted(document):
        setting = _Setting(document, values, place)
        document = await _whole(call, transform, document, setting)
    return {key: value for key, value in document.items() if key != "Transform"}


class _Setting:
    """What transforms are told of the stack."""

    def __init__(self, document: Document, values: Mapping[str, str], place: Place) -> None:
        declared = parameters.declarations(document.get("Parameters") or {})
        self.place = place
        self.referred = {name: parameters.referred(declared[name], value) for name, value in values.items() if name in declared}
        self.mappings = document.get("Mappings") or {}
        self.conditions = document.get("Conditions") or {}

    def scope(self) -> Scope:
        return Scope(self.referred, self.place.pseudo(), self.mappings)

    def deciding_scope(self) -> Scope:
        bare = self.scope()
        loops = any(name.startswith(language_extensions.LOOP) for name in self.conditions)
        decided = {} if loops else decide(self.conditions, bare)
        return Scope(bare.parameters, bare.pseudo, bare.mappings, decided)


async def _whole(call: Call, transform: Wanted, document: Document, setting: _Setting) -> Document:
    if transform.name == sam.NAME:
        known = {**setting.place.pseudo(), **setting.referred}
        return await sam.transform(document, known, setting.place.region, lambda: managed_policies(call))
    if transform.name == language_extensions.NAME:
        return language_extensions.transform(document, setting.deciding_scope())
    rest = {key: value for key, value in document.items() if key != "Transform"}
    given = resolve(dict(transform.parameters), setting.scope())
    if transform.name == include.NAME:
        return include.merged(rest, await include.snippet(call, given))
    return await macro.transform(call, transform.name, rest, given, setting.referred, setting.place)


async def _embedded(call: Call, node: Any, setting: _Setting) -> Any:
    """`node` with each `Fn::Transform` in it replaced by what it makes of its siblings."""
    if isinstance(node, list):
        return [await _embedded(call, item, setting) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: await _embedded(call, value, setting) for key, value in node.items() if key != "Fn::Transform"}
    if "Fn::Transform" not in node:
        return inner
    asked = node["Fn::Transform"]
    for item in asked if isinstance(asked, list) else [asked]:
        transform = _wanted(item)
        given = resolve(dict(transform.parameters), setting.scope())
        if transform.name == include.NAME:
            inner = include.merged(inner, await include.snippet(call, given))
        else:
            inner = await macro.transform(call, transform.name, inner, given, setting.referred, setting.place)
    return inner


async def managed_policies(call: Call) -> dict[str, str]:
    """ARNs of AWS's managed policies by name, as IAM lists them."""
    found: dict[str, str] = {}
    marker: str | None = None
    while True:
        page = await call.invoke("iam", "ListPolicies", {"Scope": "AWS", "MaxItems": 1000, **({"Marker": marker} if marker else {})})
        found.update({policy["PolicyName"]: policy["Arn"] for policy in page.get("Policies") or ()})
        marker = page.get("Marker")
        if not page.get("IsTruncated") or not marker:
            return found
