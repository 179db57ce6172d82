"""EventBridge's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Events."""

from __future__ import annotations

from tule.platform.resource_type import ResourceType
from tule.services.events.resources.archives import ArchiveType
from tule.services.events.resources.buses import EventBusPolicyType, EventBusType
from tule.services.events.resources.endpoints import EndpointType
from tule.services.events.resources.http import ApiDestinationType, ConnectionType
from tule.services.events.resources.rules import RuleType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    RuleType(),
    EventBusType(),
    EventBusPolicyType(),
    ArchiveType(),
    ConnectionType(),
    ApiDestinationType(),
    EndpointType(),
)
