"""Amazon CloudWatch Logs.  AWS: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html

Groups, streams and events; filtering by patterns; live tail; retention; subscriptions.  Not built yet, and answered 501:
Insights queries, metric filters, exports, anomaly detection.
Known to differ: a live tail hears what arrives at its own node.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.watch.log_store import SCHEMA


def _load() -> Service:
    from tule.services.logs.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("logs", _load, telemetry_schema=SCHEMA)
