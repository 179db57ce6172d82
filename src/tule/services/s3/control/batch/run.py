"""A batch job's way: Preparing, perhaps Suspended until it is confirmed, Active, Completing, Complete.

Each step is a durable job that ends with the next one in the transaction of what it did; a step that is cut is done again, at worst
some tasks twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.s3.control.batch import manifest, report, rules, state, tasks
from tule.store.store import Tx

KIND = "s3-batch"
SERVICE = "batchoperations.s3.amazonaws.com"
_TASKS = 50
_ATTEMPTS = 20
_BatchJob = dict[str, Any]


def begin(tx: Tx, job: _BatchJob, step: str) -> None:
    """Have the next step done: `prepare`, `tasks` or `report`."""
    enqueue(tx, Job(KIND, own_arn(job), job["Account"], job["Region"], {"job": job["Id"], "step": step}, max_attempts=_ATTEMPTS, name=_name(job)))


def stop(tx: Tx, job: _BatchJob) -> None:
    cancel(tx, _name(job))
    state.drop_tasks(tx, job["Id"])


def own_arn(job: _BatchJob) -> str:
    return arn.arn("s3", job["Region"], job["Account"], f"job/{job['Id']}")


def _name(job: _BatchJob) -> str:
    return f"{KIND}:{job['Id']}"


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    step = delivery.payload["step"]
    job = await node.store.read(lambda tx: state.JOBS.get(tx, delivery.account, delivery.region, delivery.payload["job"]))
    if job is None or job["Status"] not in {"prepare": ("Preparing",), "tasks": ("Active",), "report": ("Completing", "Cancelling", "Failing")}[step]:
        return Done()
    try:
        call = await _as_role(node, job)
        await {"prepare": _prepare, "tasks": _work, "report": _report}[step](call, job)
    except manifest.Unreadable as error:
        await _change(node, job, partial(_fail, code=error.code, reason=str(error)))
    except ServiceError as error:
        if error.status >= 500 and error.status != 501 and delivery.attempt < delivery.max_attempts:
            return Retry(error.message, code=error.code)
        await _change(node, job, partial(_fail, code=error.code, reason=error.message))
    return Done()


async def _as_role(node: Node, job: _BatchJob) -> Call:
    role = job["Request"]["RoleArn"]
    session = await node.roles.session(
        role, service=SERVICE, account=job["Account"], region=job["Region"], session_name=f"s3-batch-{job['Id'][:8]}", source_arn=own_arn(job)
    )
    return Call(
        node=node,
        id=node.ids.uuid(),
        now_ms=node.clock.now_ms(),
        principal=session.principal,
        account=job["Account"],
        region=job["Region"],
        service="s3",
        operation="BatchOperations",
    )


async def _change(node: Node, job: _BatchJob, change: Callable[[Tx, _BatchJob], None]) -> None:
    """Change the job as it is by now, unless it has ended or goes."""

    def write(tx: Tx) -> None:
        now = state.JOBS.get(tx, job["Account"], job["Region"], job["Id"])
        if now is not None and now["Status"] == job["Status"]:
            change(tx, now)

    await node.store.write(write)


def _to(tx: Tx, job: _BatchJob, status: str, **more: Any) -> None:
    job |= {"Status": status, **more}
    if status in rules.ENDS:
        job["EndedMs"] = tx.now_ms
        state.drop_tasks(tx, job["Id"])
    state.put(tx, job)


def _fail(tx: Tx, job: _BatchJob, code: str, reason: str) -> None:
    failures = [*job["Failures"], {"FailureCode": code[:64], "FailureReason": reason[:256] or code}]
    _to(tx, job, "Failed", Failures=failures)


async def _prepare(call: Call, job: _BatchJob) -> None:
    """All tasks first: a job knows how many they are before it begins."""
    node, total = call.node, 0
    await node.store.write(lambda tx: state.drop_tasks(tx, job["Id"]))
    async for page in manifest.tasks(call, job["Request"]):
        total += len(page)
        await node.store.write(lambda tx, page=page: state.add_tasks(tx, job["Id"], page))

    def prepared(tx: Tx, now: _BatchJob) -> None:
        if now["Request"].get("ConfirmationRequired"):
            _to(tx, now, "Suspended", Total=total, SuspendedMs=tx.now_ms, SuspendedCause="AwaitingConfirmation")
        else:
            activate(tx, {**now, "Total": total})

    if not total:
        raise manifest.Unreadable("EmptyManifest", "The manifest names no objects.")
    await _change(node, job, prepared)


def activate(tx: Tx, job: _BatchJob) -> None:
    _to(tx, job, "Active", ActiveMs=tx.now_ms)
    begin(tx, job, "tasks")


async def _work(call: Call, job: _BatchJob) -> None:
    """Some tasks, then a job for the next ones."""
    todo = await call.node.store.read(lambda tx: state.open_tasks(tx, job["Id"], _TASKS))
    ended = [await tasks.perform(call, job, task) for task in todo]

    def done(tx: Tx, now: _BatchJob) -> None:
        for each in ended:
            state.end_task(tx, now["Id"], each)
        failed = sum(bool(each.code) for each in ended)
        now |= {"Succeeded": now["Succeeded"] + len(ended) - failed, "Failed": now["Failed"] + failed}
        if rules.is_hopeless(now):
            now["Failures"] = [{"FailureCode": "TaskFailureRateExceeded", "FailureReason": "More than half of the tasks failed."}]
            _to(tx, now, "Failing")
            begin(tx, now, "report")
        elif ended:
            _to(tx, now, "Active")
            begin(tx, now, "tasks")
        else:
            _to(tx, now, "Completing", ActiveS=(tx.now_ms - now["ActiveMs"]) // 1000)
            begin(tx, now, "report")

    await _change(call.node, job, done)


async def _report(call: Call, job: _BatchJob) -> None:
    if job["Request"]["Report"]["Enabled"]:
        await report.write(call, job)
    ends = {"Completing": "Complete", "Cancelling": "Cancelled", "Failing": "Failed"}
    await _change(call.node, job, lambda tx, now: _to(tx, now, ends[now["Status"]]))
