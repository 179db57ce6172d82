"""Which permissions an operation needs where its service does not say: its own action, at least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.access.need import Need

_PREFIXES = {
    "apigatewayv2": "apigateway",
    "apigatewaymanagementapi": "execute-api",
    "dynamodbstreams": "dynamodb",
    "s3control": "s3",
    "opensearch": "es",
    "sesv2": "ses",
    "stepfunctions": "states",
    "resourcegroupstaggingapi": "tag",
    "cloudcontrol": "cloudformation",
}
_WITHOUT_PERMISSION = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("dynamodb", "DescribeEndpoints")})


class Actions:
    def needs(self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str) -> list[Need]:
        if (service, operation) in _WITHOUT_PERMISSION:
            return []
        return [Need(f"{_PREFIXES.get(service, service)}:{operation}")]
