"""IAM's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::IAM."""

from __future__ import annotations

from tule.platform.resource_type import ResourceType
from tule.services.iam.resources.access_keys import AccessKeyType
from tule.services.iam.resources.entities import GroupType, RoleType, UserType
from tule.services.iam.resources.inline_policies import EntityPolicyType, PolicyType
from tule.services.iam.resources.instance_profiles import InstanceProfileType
from tule.services.iam.resources.managed_policies import ManagedPolicyType
from tule.services.iam.resources.memberships import UserToGroupAdditionType
from tule.services.iam.resources.providers import OidcProviderType, SamlProviderType
from tule.services.iam.resources.server_certificates import ServerCertificateType
from tule.services.iam.resources.service_linked_roles import ServiceLinkedRoleType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    AccessKeyType(),
    EntityPolicyType("Group"),
    EntityPolicyType("Role"),
    EntityPolicyType("User"),
    GroupType(),
    InstanceProfileType(),
    ManagedPolicyType(),
    OidcProviderType(),
    PolicyType(),
    RoleType(),
    SamlProviderType(),
    ServerCertificateType(),
    ServiceLinkedRoleType(),
    UserToGroupAdditionType(),
    UserType(),
)
