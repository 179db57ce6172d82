"""The registry `aws.events`: schemas of what this installation's services tell EventBridge, inferred from examples of AWS's documents.

AWS: https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from tule.services.schemas.discovery import document_of, schema_name

CREATED_MS = 1_574_640_000_000  # when the service began

_OBJECT = {"key": "example-key", "size": 5, "etag": "b57f9512698f4b09e608f4f2a65852e5", "version-id": "", "sequencer": "00617F08299329D189"}
_REQUEST = {"version": "0", "bucket": {"name": "example-bucket"}, "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012"}
_EXECUTION = {
    "executionArn": "arn:aws:states:us-east-1:123456789012:execution:state-machine-name:execution-name",
    "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:state-machine-name",
    "name": "execution-name",
    "status": "SUCCEEDED",
    "startDate": 1547148840101,
    "stopDate": 1547148840122,
    "input": "{}",
    "output": "{}",
    "inputDetails": {"included": True},
    "outputDetails": {"included": True},
}
_STACK = {"stack-id": "arn:aws:cloudformation:us-west-1:111122223333:stack/teststack", "client-request-token": ""}
_STATUS = {"status": "CREATE_COMPLETE", "status-reason": ""}

_EXAMPLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("aws.events", "Scheduled Event", {}),
    ("aws.s3", "Object Created", {**_REQUEST, "object": _OBJECT, "source-ip-address": "1.2.3.4", "reason": "PutObject"}),
    (
        "aws.s3",
        "Object Deleted",
        {**_REQUEST, "object": _OBJECT, "source-ip-address": "1.2.3.4", "reason": "DeleteObject", "deletion-type": "Permanently Deleted"},
    ),
    ("aws.states", "Step Functions Execution Status Change", _EXECUTION),
    ("aws.cloudformation", "CloudFormation Stack Status Change", {**_STACK, "status-details": _STATUS}),
    (
        "aws.cloudformation",
        "CloudFormation Resource Status Change",
        {**_STACK, "logical-resource-id": "r", "physical-resource-id": "r", "resource-type": "AWS::S3::Bucket", "status-details": _STATUS},
    ),
)


@cache
def schemas() -> dict[str, str]:
    """Name to OpenAPI 3 document."""
    found: dict[str, str] = {}
    for source, detail_type, detail in _EXAMPLES:
        event = {"source": source, "detail-type": detail_type, "detail": detail, "resources": ["arn"]}
        found[schema_name(event)] = orjson.dumps(document_of([event])).decode()
    return dict(sorted(found.items()))
