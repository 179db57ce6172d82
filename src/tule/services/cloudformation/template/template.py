"""A template that has been read, transformed and checked, together with its parameters' values: what a stack is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tule.core.arn import partition_of
from tule.services.cloudformation.template import conditions, parameters, references
from tule.services.cloudformation.template.evaluate import NO_VALUE, NoResources, Resources, Scope, resolve, text
from tule.services.cloudformation.template.text import Document


@dataclass(slots=True, frozen=True)
class Place:
    """Where and as what a template is evaluated: the pseudo parameters."""

    account: str
    region: str
    stack_id: str
    stack_name: str
    notification_arns: tuple[str, ...] = ()

    def pseudo(self) -> dict[str, Any]:
        partition = partition_of(self.region)
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": list(self.notification_arns),
            "AWS::Partition": partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        }


@dataclass(frozen=True)
class Template:
    """`document` is processed (no transform is left in it); `values` are the parameters' texts, those of SSM parameters fetched."""

    document: Document
    values: Mapping[str, str]
    place: Place
    exports: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def declared(self) -> dict[str, parameters.Declaration]:
        return parameters.declarations(self.document.get("Parameters") or {})

    @cached_property
    def conditions(self) -> dict[str, bool]:
        return conditions.decide(self.document.get("Conditions") or {}, self._bare_scope())

    @cached_property
    def resources(self) -> dict[str, Any]:
        """The resources whose condition holds."""
        return {name: body for name, body in (self.document.get("Resources") or {}).items() if self.is_wanted(body)}

    @cached_property
    def dependencies(self) -> dict[str, list[str]]:
        return {name: references.dependencies(body, self.resources) for name, body in self.resources.items()}

    def scope(self, resources: Resources) -> Scope:
        bare = self._bare_scope()
        return Scope(bare.parameters, bare.pseudo, bare.mappings, self.conditions, self.exports, resources)

    def properties(self, logical_id: str, resources: Resources) -> dict[str, Any]:
        """The resource's properties, resolved as far as `resources` are known."""
        return resolve(self.resources[logical_id].get("Properties") or {}, self.scope(resources))

    def attribute(self, logical_id: str, name: str) -> Any:
        """`DeletionPolicy`, `Metadata` and other attributes of the resource, with their functions resolved where they may have any."""
        value = resolve(self.resources[logical_id].get(name), self.scope(NoResources()))
        return None if value is NO_VALUE else value

    def outputs(self, resources: Resources) -> list[dict[str, Any]]:
        """The `Outputs` of DescribeStacks, those whose condition holds."""
        scope = self.scope(resources)
        shown: list[dict[str, Any]] = []
        for name, body in (self.document.get("Outputs") or {}).items():
            if not self.is_wanted(body):
                continue
            value = resolve(body["Value"], scope)
            if value is NO_VALUE:
                continue
            output: dict[str, Any] = {"OutputKey": name, "OutputValue": value if isinstance(value, dict | list) else text(value)}
            if body.get("Description"):
                output["Description"] = text(body["Description"])
            if body.get("Export"):
                output["ExportName"] = resolve(body["Export"]["Name"], scope)
            shown.append(output)
        return shown

    def assert_rules(self) -> None:
        conditions.assert_rules(self.document.get("Rules") or {}, self._bare_scope())

    def is_wanted(self, body: Mapping[str, Any]) -> bool:
        return body.get("Condition") is None or self.conditions[body["Condition"]]

    @cached_property
    def referred(self) -> dict[str, Any]:
        """What `Ref` of each parameter gives."""
        return {name: parameters.referred(self.declared[name], value) for name, value in self.values.items() if name in self.declared}

    def _bare_scope(self) -> Scope:
        return Scope(self.referred, self.place.pseudo(), self.document.get("Mappings") or {})
