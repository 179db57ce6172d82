"""AWS::CDK::Metadata: what the CDK notes about itself in every stack.  It makes nothing.

AWS: https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html
"""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext


class CdkMetadataType:
    """Ref is an id without meaning."""

    name = "AWS::CDK::Metadata"
    replace_on = frozenset[str]()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        return Resource(stack.generated_name())

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        return None
