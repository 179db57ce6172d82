"""Amazon EventBridge: buses, rules and their targets, archives, API destinations.

AWS: https://docs.aws.amazon.com/eventbridge/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("events", {})
