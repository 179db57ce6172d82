"""Amazon CloudWatch: metrics, those that services emit and those that people put.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html

Known to differ: percentiles are told from values rounded to three digits.  Not built yet, and answered 501: metric math, trimmed
statistics, alarms, dashboards, metric streams, anomaly detectors, insights.
"""

from __future__ import annotations

from tule.platform.service import Room, Service


def _load() -> Service:
    from tule.services.cloudwatch.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("cloudwatch", _load)
