"""CloudFormation's own resource types.  AWS: CloudFormation template reference, AWS::CloudFormation."""

from __future__ import annotations

from tule.platform.resource_type import ResourceType
from tule.services.cloudformation.cdk_metadata import CdkMetadataType
from tule.services.cloudformation.engine.custom import CustomResourceType
from tule.services.cloudformation.engine.nested import NestedStackType
from tule.services.cloudformation.engine.waits import WaitConditionHandleType, WaitConditionType
from tule.services.cloudformation.macros import MacroType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    CdkMetadataType(),
    CustomResourceType(),
    MacroType(),
    NestedStackType(),
    WaitConditionHandleType(),
    WaitConditionType(),
)
