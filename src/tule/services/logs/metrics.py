"""What CloudWatch Logs counts for CloudWatch, by log group and for all of an account's.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
"""

from __future__ import annotations

from collections.abc import Sequence

from tule.platform.call import Call

NAMESPACE = "AWS/Logs"


def taken(call: Call, group: str, events: Sequence[tuple[int, str]]) -> None:
    """Events (time, message) were put; their bytes are those of the messages."""
    size = sum(len(message.encode()) for _, message in events)
    for dimensions in ((), (("LogGroupName", group),)):
        call.node.meter.add(call.account, call.region, NAMESPACE, "IncomingLogEvents", dimensions, len(events), "Count")
        call.node.meter.add(call.account, call.region, NAMESPACE, "IncomingBytes", dimensions, size, "Bytes")
