"""What an update would change: the `Changes` of a change set.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.node import Node
from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.engine.run import Known, resource_types
from tule.services.cloudformation.state import Resource, Stack
from tule.services.cloudformation.template.evaluate import is_known
from tule.services.cloudformation.template.template import Template


def additions(template: Template) -> list[dict[str, Any]]:
    """The changes of a stack that does not exist yet, by logical id."""
    return [_addition(name, template) for name in sorted(template.resources)]


def _addition(name: str, template: Template) -> dict[str, Any]:
    return _change({"Action": "Add", "LogicalResourceId": name, "ResourceType": template.resources[name]["Type"], "Scope": [], "Details": []})


def _change(resource_change: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Resource", "ResourceChange": resource_change}


def changes_of(
    node: Node, stack: Stack, before: Mapping[str, Any], template: Template, records: Mapping[str, Resource], tags: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The changes from what `records` say to `template`, by logical id."""
    types = resource_types(node)
    found: dict[str, dict[str, Any]] = {}
    for name, record in records.items():
        if name not in template.resources and record.physical_id:
            found[name] = _change(
                {
                    "Action": "Remove", "LogicalResourceId": name, "PhysicalResourceId": record.physical_id, "ResourceType": record.type, "Scope": [],
                    "Details": [], "PolicyAction": "Delete" if record.deletion_policy == "Delete" else "Retain",
                }
            )  # fmt: skip
    known = Known(dict(records))
    for name, body in template.resources.items():
        record = records.get(name)
        if record is None or not record.physical_id:
            found[name] = _addition(name, template)
            continue
        properties = template.properties(name, known)
        names = list(physical.changed(record.properties, properties))
        retagged = dict(record.tags) != dict(tags) and physical.takes_tags(body["Type"])
        if not names and not retagged and body.get("Metadata") == record.metadata and body["Type"] == record.type:
            continue
        replaced = physical.replacing_properties(types.get(record.type), record.type)
        details = [
            {
                "ChangeSource": "DirectModification",
                "Evaluation": "Static" if is_known(properties.get(key)) else "Dynamic",
                "Target": {"Attribute": "Properties", "Name": key, "RequiresRecreation": "Always" if key in replaced else "Never"},
            }
            for key in names
        ]
        replacement = any(key in replaced for key in names) or body["Type"] != record.type
        change: dict[str, Any] = {
            "Action": "Modify", "LogicalResourceId": name, "PhysicalResourceId": record.physical_id, "ResourceType": record.type,
            "Replacement": "True" if replacement else "False", "Scope": ["Properties"], "Details": details,
        }  # fmt: skip
        if replacement:
            change["PolicyAction"] = "ReplaceAndDelete"
        found[name] = _change(change)
    return [found[name] for name in sorted(found)]
