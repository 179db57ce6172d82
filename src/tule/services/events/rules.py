"""Rules on buses: what one is, and what may be done with it.

A rule's record: name, arn, state, targets (by id), and where given pattern, schedule, description, role, managed_by,
created_by, tags, archive (the name of the archive that a managed rule feeds), since_ms and next_ms of a schedule.
"""

from __future__ import annotations

from typing import Any

from tule.lang import event_patterns, schedules
from tule.lang.event_patterns import InvalidPattern, Pattern
from tule.lang.schedules import InvalidSchedule, Schedule
from tule.services.events import errors, state
from tule.services.events.names import BusRef
from tule.services.events.state import Record
from tule.store.store import Tx

ENABLED = "ENABLED"
DISABLED = "DISABLED"
MAX_TARGETS = 5


def require_bus(tx: Tx, ref: BusRef) -> Record:
    """Raises ResourceNotFoundException.  The default bus exists by itself."""
    found = state.bus(tx, ref)
    if found is None and not ref.is_default:
        raise errors.no_bus(ref.name)
    return found or {}


def get(tx: Tx, ref: BusRef, name: str) -> Record:
    """Raises ResourceNotFoundException for the bus or the rule."""
    require_bus(tx, ref)
    found = state.rule(tx, ref, name)
    if found is None:
        raise errors.no_rule(name, ref.name)
    return found


def changeable(tx: Tx, ref: BusRef, name: str, *, force: bool = False, service: str = "") -> Record:
    """Raises ManagedRuleException for a rule of an AWS service's, unless forced or by that `service`."""
    found = get(tx, ref, name)
    if found.get("managed_by") not in (None, service) and not force:
        raise errors.managed_rule(name)
    return found


def is_enabled(rule: Record) -> bool:
    return rule["state"] != DISABLED


def compiled_pattern(text: str) -> Pattern:
    """Raises InvalidEventPatternException."""
    try:
        return event_patterns.compile(text)
    except InvalidPattern as error:
        raise errors.invalid_pattern(str(error)) from error


def schedule(expression: str) -> Schedule:
    """Raises ValidationException.  Rules have no `at`, and UTC."""
    try:
        found = schedules.parse(expression)
    except InvalidSchedule as error:
        raise errors.invalid_parameter("ScheduleExpression") from error
    if found.kind == "at":
        raise errors.invalid_parameter("ScheduleExpression")
    return found


def listed(rule: Record, ref: BusRef) -> dict[str, Any]:
    """A rule as ListRules shows it."""
    shown: dict[str, Any] = {"Name": rule["name"], "Arn": rule["arn"], "State": rule["state"], "EventBusName": ref.name}
    for key, member in _MEMBERS:
        if key in rule:
            shown[member] = rule[key]
    return shown


_MEMBERS = (
    ("pattern", "EventPattern"),
    ("schedule", "ScheduleExpression"),
    ("description", "Description"),
    ("role", "RoleArn"),
    ("managed_by", "ManagedBy"),
)
