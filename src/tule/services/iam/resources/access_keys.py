"""AWS::IAM::AccessKey.  Ref is the access key id; GetAtt gives SecretAccessKey."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam import errors, state
from tule.services.iam.resources.calls import call_unless_gone


class AccessKeyType:
    """A change of Serial makes a new key: that is how keys are rotated."""

    name = "AWS::IAM::AccessKey"
    replace_on = frozenset({"UserName", "Serial"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        user = properties["UserName"]
        key = (await stack.call("iam", "CreateAccessKey", {"UserName": user}))["AccessKey"]
        if properties.get("Status", "Active") != "Active":
            await self._set_status(stack, key["AccessKeyId"], properties)
        return Resource(key["AccessKeyId"], {"Id": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        """The secret is shown by no operation a second time, but GetAtt must go on giving it."""
        await self._set_status(stack, physical_id, new)
        row = await stack.node.store.read(lambda tx: state.key(tx, physical_id))
        if row is None:
            raise errors.access_key_not_found(physical_id)
        return Resource(physical_id, {"Id": physical_id, "SecretAccessKey": row.secret})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await call_unless_gone(stack, "DeleteAccessKey", {"UserName": properties["UserName"], "AccessKeyId": physical_id})

    async def _set_status(self, stack: StackContext, access_key: str, properties: Properties) -> None:
        params = {"UserName": properties["UserName"], "AccessKeyId": access_key, "Status": properties.get("Status", "Active")}
        await stack.call("iam", "UpdateAccessKey", params)
