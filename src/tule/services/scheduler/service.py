"""What the room serves; loaded when somebody first asks for it."""

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
