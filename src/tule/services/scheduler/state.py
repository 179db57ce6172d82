"""Schedules and groups, as documents.

A schedule's document: `uid` (another for a namesake made later), `created_ms`, `modified_ms`, `token` of the creation,
`settings` (the request's members, with defaults), `envelope` (the target's input where that is encrypted), `base_ms` (from
when the expression counts) and `next_ms`, the time of the run that is planned; None when there is none.  A group's:
`created_ms`, `modified_ms`, `state`, `tags`, `token`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.services.scheduler import errors
from tule.services.scheduler.names import DEFAULT_GROUP, ScheduleRef
from tule.store.documents import Documents
from tule.store.store import Tx

SCHEDULES = Documents("scheduler.schedule")
GROUPS = Documents("scheduler.group")
ACTIVE, DELETING = "ACTIVE", "DELETING"
DEFAULT_GROUP_MS = 1_668_038_400_000  # every account has had its default group since Scheduler began, on 10 November 2022
_ROWS_AT_ONCE = 500

Document = dict[str, Any]


def find_schedule(tx: Tx, ref: ScheduleRef) -> Document | None:
    return SCHEDULES.get(tx, ref.account, ref.region, ref.key)


def schedule(tx: Tx, ref: ScheduleRef) -> Document:
    """Raises ResourceNotFoundException."""
    found = find_schedule(tx, ref)
    if found is None:
        raise errors.no_schedule(ref.name)
    return found


def put_schedule(tx: Tx, ref: ScheduleRef, document: Document) -> None:
    SCHEDULES.put(tx, ref.account, ref.region, ref.key, document)


def delete_schedule(tx: Tx, ref: ScheduleRef) -> None:
    SCHEDULES.delete(tx, ref.account, ref.region, ref.key)


def schedules(
    tx: Tx, account: str, region: str, prefix: str, after: str, limit: int, wanted: Callable[[str, Document], bool]
) -> list[tuple[str, Document]]:
    """Up to `limit` that are wanted, by key, which is `group/name`."""
    found: list[tuple[str, Document]] = []
    while rows := SCHEDULES.page(tx, account, region, after=after, limit=_ROWS_AT_ONCE, prefix=prefix):
        for key, document in rows:
            if wanted(key, document):
                found.append((key, document))
                if len(found) == limit:
                    return found
        if len(rows) < _ROWS_AT_ONCE:
            break
        after = rows[-1][0]
    return found


def find_group(tx: Tx, account: str, region: str, name: str) -> Document | None:
    found = GROUPS.get(tx, account, region, name)
    if found is None and name == DEFAULT_GROUP:
        return {"created_ms": DEFAULT_GROUP_MS, "modified_ms": DEFAULT_GROUP_MS, "state": ACTIVE, "tags": {}}
    return found


def group(tx: Tx, account: str, region: str, name: str) -> Document:
    """Raises ResourceNotFoundException."""
    found = find_group(tx, account, region, name)
    if found is None:
        raise errors.no_group(name)
    return found


def groups(tx: Tx, account: str, region: str, prefix: str) -> list[tuple[str, Document]]:
    """All that begin with `prefix`, by name; the default group is always there."""
    found = dict(GROUPS.page(tx, account, region, prefix=prefix))
    if DEFAULT_GROUP.startswith(prefix):
        found[DEFAULT_GROUP] = group(tx, account, region, DEFAULT_GROUP)
    return sorted(found.items())
