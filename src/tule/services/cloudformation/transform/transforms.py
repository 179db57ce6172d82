"""Apply what the template's `Transform` section and its `Fn::Transform`s ask for, in AWS's order.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tule.platform.call import Call
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.template import Place
from tule.services.cloudformation.template.text import Document
from tule.services.cloudformation.transform import sam

INCLUDE = "AWS::Include"
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"


@dataclass(slots=True, frozen=True)
class Wanted:
    """One transform, with the parameters given to it."""

    name: str
    parameters: Mapping[str, Any]


def wanted(document: Document) -> list[Wanted]:
    """The document's `Transform` section, in order.  Raises TemplateError where it is malformed."""
    section = document.get("Transform")
    found: list[Wanted] = []
    for item in section if isinstance(section, list) else [] if section is None else [section]:
        if isinstance(item, str):
            found.append(Wanted(item, {}))
        elif isinstance(item, dict) and isinstance(item.get("Name"), str):
            found.append(Wanted(item["Name"], item.get("Parameters") or {}))
        else:
            raise TemplateError("Key Name of transform definition must be a string.")
    return found


async def apply(call: Call, document: Document, parameters: Mapping[str, Any], place: Place) -> Document:
    """The processed template.  Raises TemplateError, ServiceError of what was asked."""
    for transform in wanted(document):
        if transform.name == sam.NAME:
            document = await sam.transform(document, {**place.pseudo(), **parameters}, place.region, lambda: managed_policies(call))
        else:
            raise TemplateError(f"No transform named {place.account}::{transform.name} found.")
    return {key: value for key, value in document.items() if key != "Transform"}


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
