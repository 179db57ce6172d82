"""Amazon EventBridge Scheduler: one-time and recurring calls.

AWS: https://docs.aws.amazon.com/scheduler/latest/APIReference/

Known to differ: runs come at their second, not within their minute; a KMS key is kept and shown, and encrypts nothing; targets
of services that are not built (ECS, CodeBuild, CodePipeline, SageMaker, Inspector) can be configured, and their runs fail visibly.
"""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.scheduler import access, events
from tule.services.scheduler.operations import groups, schedules
from tule.services.scheduler.resources import RESOURCE_TYPES

SERVICE = Service(
    "scheduler",
    operations_in(schedules, groups),
    needs=access.NEEDS,
    deliver=events.deliver,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(("CreateSchedule", "GetSchedule", "GetScheduleGroup")),
)
