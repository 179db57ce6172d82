"""What replication with metrics counts for CloudWatch.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html, "S3 Replication metrics"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core import arn
from tule.platform.node import Node
from tule.services.s3 import replication
from tule.services.s3.request_metrics import NAMESPACE
from tule.services.s3.state.buckets import Bucket


def succeeded(node: Node, source: Bucket, rule: Mapping[str, Any], took_ms: int) -> None:
    _add(node, source, rule, "ReplicationLatency", took_ms / 1000, "Seconds")
    _add(node, source, rule, "OperationsFailedReplication", 0, "Count")


def failed(node: Node, source: Bucket, rule: Mapping[str, Any]) -> None:
    _add(node, source, rule, "OperationsFailedReplication", 1, "Count")


def _add(node: Node, source: Bucket, rule: Mapping[str, Any], name: str, value: float, unit: str) -> None:
    if not replication.has_metrics(rule):
        return
    target = arn.parse(rule["Destination"]["Bucket"]).resource
    dimensions = (("DestinationBucket", target), ("RuleId", rule["ID"]), ("SourceBucket", source.name))
    node.meter.add(source.account, source.region, NAMESPACE, name, dimensions, value, unit)
