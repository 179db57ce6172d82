"""Amazon EventBridge Scheduler: one-time and recurring calls.

AWS: https://docs.aws.amazon.com/scheduler/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("scheduler", {})
