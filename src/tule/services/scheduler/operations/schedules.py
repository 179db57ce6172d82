"""Schedules.  AWS: EventBridge Scheduler API reference, CreateSchedule, GetSchedule, UpdateSchedule, DeleteSchedule, ListSchedules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.scheduler import configuration, encryption, errors, runs, state, timers
from tule.services.scheduler.names import SCHEDULER, ScheduleRef, schedule_arn, schedule_ref
from tule.services.scheduler.state import Document
from tule.store.store import Tx

MAX_RESULTS = 100

Params = dict[str, Any]


async def create_schedule(call: Call, params: Params) -> Params:
    settings = configuration.settings(params, call.region, call.now_ms, call.node.models)
    ref = schedule_ref(call, params)
    await _check_role(call, ref, settings["Target"]["RoleArn"])
    kept, envelope = await encryption.sealed(call, ref, settings)
    await call.node.store.write(lambda tx: _create(tx, ref, kept, envelope, params.get("ClientToken")))
    return {"ScheduleArn": ref.arn}


def _create(tx: Tx, ref: ScheduleRef, settings: Document, envelope: str, token: str | None) -> None:
    _check_group(tx, ref)
    there = state.find_schedule(tx, ref)
    if there is not None:
        if token is None or there["token"] != token or there["settings"] != settings:
            raise errors.schedule_exists(ref.name)
        return  # the same request again
    schedule: Document = {
        "uid": tx.ids.hex(16),
        "created_ms": tx.now_ms,
        "modified_ms": tx.now_ms,
        "base_ms": tx.now_ms,
        "token": token,
        "settings": settings,
        "envelope": envelope,
    }
    timers.start(tx, ref, schedule)
    state.put_schedule(tx, ref, schedule)


def _check_group(tx: Tx, ref: ScheduleRef) -> None:
    group = state.group(tx, ref.account, ref.region, ref.group)
    if group["state"] == state.DELETING:
        raise errors.group_is_deleting(ref.group)


async def _check_role(call: Call, ref: ScheduleRef, role: str) -> None:
    if arns.parse(role).account != call.account:
        raise errors.role_of_another_account()
    try:
        await call.node.roles.assume(
            role, service=SCHEDULER, account=ref.account, region=ref.region, session_name=runs.session_name(ref), source_arn=ref.group_arn
        )
    except ServiceError as error:
        if error.code != "AccessDenied":
            raise
        raise errors.role_not_assumable() from error


@reads
def get_schedule(call: Call, tx: Tx, params: Params) -> Params | Callable[[], Awaitable[Params]]:
    ref = schedule_ref(call, params)
    schedule = state.schedule(tx, ref)
    answer: Params = {"Arn": ref.arn, "GroupName": ref.group, "Name": ref.name, **schedule["settings"], **_dates(schedule)}
    return partial(_opened, call, ref, answer, schedule["envelope"]) if schedule.get("envelope") else answer


async def _opened(call: Call, ref: ScheduleRef, answer: Params, envelope: str) -> Params:
    text = await encryption.opened(call.node, call.principal, ref, envelope)
    return {**answer, "Target": {**answer["Target"], encryption.INPUT: text}}


def _dates(document: Document) -> Params:
    return {"CreationDate": document["created_ms"] / 1000, "LastModificationDate": document["modified_ms"] / 1000}


async def update_schedule(call: Call, params: Params) -> Params:
    settings = configuration.settings(params, call.region, call.now_ms, call.node.models)
    ref = schedule_ref(call, params)
    await call.node.store.read(lambda tx: state.schedule(tx, ref))
    await _check_role(call, ref, settings["Target"]["RoleArn"])
    kept, envelope = await encryption.sealed(call, ref, settings)
    await call.node.store.write(lambda tx: _update(tx, ref, kept, envelope))
    return {"ScheduleArn": ref.arn}


def _update(tx: Tx, ref: ScheduleRef, settings: Document, envelope: str) -> None:
    schedule = state.schedule(tx, ref)
    if settings["ScheduleExpression"] != schedule["settings"]["ScheduleExpression"]:
        schedule["base_ms"] = tx.now_ms
    schedule |= {"settings": settings, "envelope": envelope, "modified_ms": tx.now_ms}
    timers.start(tx, ref, schedule)
    state.put_schedule(tx, ref, schedule)


def delete_schedule(call: Call, tx: Tx, params: Params) -> None:
    ref = schedule_ref(call, params)
    state.schedule(tx, ref)
    timers.stop(tx, ref)
    state.delete_schedule(tx, ref)


@reads
def list_schedules(call: Call, tx: Tx, params: Params) -> Params:
    group, prefix, status = params.get("GroupName"), params.get("NamePrefix", ""), params.get("State")
    if group is not None:
        state.group(tx, call.account, call.region, group)
    scope = f"scheduler.ListSchedules.{call.account}.{call.region}.{group}.{prefix}.{status}"
    limit: int = params.get("MaxResults", MAX_RESULTS)

    def wanted(key: str, schedule: Document) -> bool:
        return key.partition("/")[2].startswith(prefix) and status in (None, schedule["settings"]["State"])

    start = f"{group}/{prefix}" if group is not None else ""
    rows = state.schedules(
        tx, call.account, call.region, start, call.node.pager.after(scope, params.get("NextToken"), errors.invalid_token), limit + 1, wanted
    )
    shown, last = page(rows, limit, lambda row: row[0])
    answer: Params = {"Schedules": [_summary(call, key, schedule) for key, schedule in shown]}
    if last is not None:
        answer["NextToken"] = call.node.pager.token(scope, last)
    return answer


def _summary(call: Call, key: str, schedule: Document) -> Params:
    group, _, name = key.partition("/")
    settings = schedule["settings"]
    return {
        "Arn": schedule_arn(call.account, call.region, key),
        "Name": name,
        "GroupName": group,
        "State": settings["State"],
        "Target": {"Arn": settings["Target"]["Arn"]},
        **_dates(schedule),
    }
