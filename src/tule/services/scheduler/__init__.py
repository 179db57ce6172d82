"""Amazon EventBridge Scheduler: one-time and recurring calls.

AWS: https://docs.aws.amazon.com/scheduler/latest/APIReference/

Known to differ: runs come at their second, not within their minute; targets of services that are not built (ECS, CodeBuild,
CodePipeline, SageMaker, Inspector) can be configured, and their runs fail visibly.  Not built yet, and answered 501: targets
that are event buses of version 2 (EventBridgePutEventsV2Parameters, EventBridgePutRawEventsParameters).
"""

from __future__ import annotations

from tule.platform.service import Room, Service


def _load() -> Service:
    from tule.services.scheduler.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("scheduler", _load)
