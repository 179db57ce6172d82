"""AWS::Lambda::Permission and AWS::Lambda::ResourcePolicy.  AWS: CloudFormation template reference."""

from __future__ import annotations

import orjson

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.resources.existence import gone, is_there


class PermissionType:
    """Ref is the statement's id."""

    name = "AWS::Lambda::Permission"
    replace_on = frozenset(
        [
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "InvokedViaFunctionUrl",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        ]
    )

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {key: value for key, value in properties.items() if key in self.replace_on}
        params["StatementId"] = stack.generated_name(100)
        await stack.call("lambda", "AddPermission", params)
        return Resource(params["StatementId"], {"Id": params["StatementId"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "RemovePermission", {"FunctionName": properties["FunctionName"], "StatementId": physical_id})


class ResourcePolicyType:
    """Ref is the ARN of what the policy is on."""

    name = "AWS::Lambda::ResourcePolicy"
    replace_on = frozenset({"ResourceArn"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetResourcePolicy", {"ResourceArn": properties["ResourceArn"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        document = properties["PolicyDocument"]
        policy = document if isinstance(document, str) else orjson.dumps(document).decode()
        await stack.call("lambda", "PutResourcePolicy", {"ResourceArn": properties["ResourceArn"], "Policy": policy})
        return Resource(properties["ResourceArn"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteResourcePolicy", {"ResourceArn": properties["ResourceArn"]})
