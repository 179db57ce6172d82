"""The names and ARNs of schedules and their groups."""

from __future__ import annotations

from dataclasses import dataclass

from tule.core import arn as arns
from tule.platform.call import Call

DEFAULT_GROUP = "default"
SCHEDULER = "scheduler.amazonaws.com"


@dataclass(slots=True, frozen=True)
class ScheduleRef:
    account: str
    region: str
    group: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.group}/{self.name}"

    @property
    def arn(self) -> str:
        return schedule_arn(self.account, self.region, self.key)

    @property
    def group_arn(self) -> str:
        """What Scheduler names as its source when it assumes a schedule's role.  AWS: Confused deputy prevention."""
        return group_arn(self.account, self.region, self.group)


def schedule_ref(call: Call, params: dict[str, str]) -> ScheduleRef:
    return ScheduleRef(call.account, call.region, params.get("GroupName") or DEFAULT_GROUP, params["Name"])


def of_arn(arn: str) -> ScheduleRef:
    """Of `arn:aws:scheduler:region:account:schedule/group/name`."""
    parsed = arns.parse(arn)
    _, group, name = parsed.resource.split("/", 2)
    return ScheduleRef(parsed.account, parsed.region, group, name)


def schedule_arn(account: str, region: str, key: str) -> str:
    return arns.arn("scheduler", region, account, f"schedule/{key}")


def group_arn(account: str, region: str, group: str) -> str:
    return arns.arn("scheduler", region, account, f"schedule-group/{group}")
