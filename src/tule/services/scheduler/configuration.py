"""A schedule's settings: defaults, and what may not be combined.  AWS: EventBridge Scheduler API, CreateSchedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import validation
from tule.services.scheduler import targets
from tule.services.scheduler.occurrences import Occurrences
from tule.wire.models import Models

RETRY_POLICY = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
LATE_START_MS = 300_000
_MEMBERS = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "Description",
    "State",
    "KmsKeyArn",
    "Target",
    "FlexibleTimeWindow",
    "ActionAfterCompletion",
)
_DEFAULTS: Mapping[str, Any] = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}

Settings = dict[str, Any]


def settings(params: Mapping[str, Any], region: str, now_ms: int, models: Models) -> Settings:
    """What the request asks for, whole: an update forgets what it does not say.  Raises ValidationException."""
    found: Settings = {**_DEFAULTS, **{name: params[name] for name in _MEMBERS if name in params}}
    Occurrences(found)
    _check_window(found["FlexibleTimeWindow"])
    _check_dates(found, now_ms)
    targets.check(found["Target"], region, models)
    found["Target"] = {**found["Target"], "RetryPolicy": {**RETRY_POLICY, **found["Target"].get("RetryPolicy", {})}}
    return found


def _check_window(window: Mapping[str, Any]) -> None:
    given = "MaximumWindowInMinutes" in window
    if window["Mode"] == "OFF" and given:
        raise validation("MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.")
    if window["Mode"] == "FLEXIBLE" and not given:
        raise validation("MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.")


def _check_dates(found: Settings, now_ms: int) -> None:
    start, end = found.get("StartDate"), found.get("EndDate")
    if start is not None and end is not None and start >= end:
        raise validation("The StartDate you specify must come before the EndDate.")
    if start is not None and start * 1000 < now_ms - LATE_START_MS:
        raise validation("The StartDate you specify cannot be earlier than 5 minutes ago.")
