"""AWS::CloudFormation::Macro: a function that transforms templates, under a name.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.cloudformation.errors import TemplateError
from tule.store.documents import Documents
from tule.store.store import Tx

MACROS = Documents("cloudformation.macro")


class MacroType:
    """Ref is the macro's name."""

    name = "AWS::CloudFormation::Macro"
    replace_on = frozenset({"Name"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties["Name"]

        def write(tx: Tx) -> None:
            body = {"FunctionName": properties["FunctionName"], "stack": stack.stack_id}
            present = MACROS.get(tx, stack.account, stack.region, name)
            if present and present["stack"] != stack.stack_id:
                raise TemplateError(f"{name} already exists")
            MACROS.put(tx, stack.account, stack.region, name, body)

        await stack.node.store.write(write)
        return Resource(name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await stack.node.store.write(lambda tx: MACROS.delete(tx, stack.account, stack.region, physical_id))
