"""What a CloudFormation resource type is, so that each service can describe its own in terms of its own operations.

The CloudFormation service finds these through `Service.resource_types` and runs them as the stack's principal: every
change goes through the dispatcher, so IAM, traces and limits hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tule.access.principal import Principal
    from tule.platform.node import Node

Properties = dict[str, Any]


@dataclass(slots=True, frozen=True)
class StackContext:
    """The stack on whose behalf a resource is made.  `call` reaches any service as the stack's principal."""

    node: Node
    principal: Principal
    account: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    endpoint: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])  # the stack's tags, to be put on resources that take tags

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ServiceError."""
        return await self.node.dispatcher.invoke(service, operation, params, principal=self.principal, region=self.region, endpoint=self.endpoint)

    def generated_name(self, max_chars: int = 64, *, lower: bool = False) -> str:
        """`stack-logical-SUFFIX`, as CloudFormation names what the template leaves unnamed; each call another suffix."""
        suffix = self.node.ids.upper(12)
        room = max_chars - len(suffix) - 1
        name = f"{self.stack_name}-{self.logical_id}"
        if len(name) > room:
            half = (room - 1) // 2
            name = f"{self.stack_name[:half]}-{self.logical_id[: room - 1 - min(half, len(self.stack_name))]}"
        name = f"{name}-{suffix}"
        return name.lower() if lower else name


@dataclass(slots=True, frozen=True)
class Resource:
    """What exists: what `Ref` gives (`physical_id`) and what `Fn::GetAtt` gives (`attributes`, dotted names as written)."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ResourceType(Protocol):
    """`AWS::Service::Thing`.  Properties arrive resolved, checked against the schema, with real booleans and numbers.

    `replace_on` are properties whose change makes a new resource (the schema's createOnlyProperties and whatever AWS
    documents as 'Replacement').  `update` gets the old and the new properties and changes in place.  `delete` of what
    is already gone is a success.  `read_attributes` fills GetAtt for a resource that exists (import, drift).

    Two methods more a type may have.  `async def exists(stack, properties) -> bool` says whether somebody has already what
    these properties name; it is asked before the creation of whatever the template names itself, and only what was not
    there before may be deleted when the creation is cut or fails half way.  `def check(properties) -> None` raises
    ServiceError for properties that the service will refuse; it is asked before anything of the stack is made, and what
    is not known yet is there as a value that is neither text nor number.
    """

    name: str
    replace_on: frozenset[str]

    async def create(self, stack: StackContext, properties: Properties) -> Resource: ...

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource: ...

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None: ...


ResourceTypes = Sequence[ResourceType]
