"""DynamoDB's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::DynamoDB."""

from __future__ import annotations

from tule.platform.resource_type import ResourceType
from tule.services.dynamodb.resources.global_tables import GlobalTableType
from tule.services.dynamodb.resources.tables import TableType

RESOURCE_TYPES: tuple[ResourceType, ...] = (TableType(), GlobalTableType())
