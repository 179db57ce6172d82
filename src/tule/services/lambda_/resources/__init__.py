"""Lambda's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Lambda."""

from tule.platform.resource_type import ResourceType
from tule.services.lambda_.resources.capacity import CapacityProviderType
from tule.services.lambda_.resources.functions import FunctionType
from tule.services.lambda_.resources.layers import LayerVersionPermissionType, LayerVersionType
from tule.services.lambda_.resources.permissions import PermissionType, ResourcePolicyType
from tule.services.lambda_.resources.signing import CodeSigningConfigType
from tule.services.lambda_.resources.urls import UrlType
from tule.services.lambda_.resources.versions import AliasType, EventInvokeConfigType, VersionType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    FunctionType(),
    PermissionType(),
    ResourcePolicyType(),
    VersionType(),
    AliasType(),
    EventInvokeConfigType(),
    LayerVersionType(),
    LayerVersionPermissionType(),
    UrlType(),
    CodeSigningConfigType(),
    CapacityProviderType(),
)
