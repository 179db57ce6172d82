"""Batch jobs.  AWS: S3 Control API reference, CreateJob, DescribeJob, ListJobs, UpdateJobStatus, UpdateJobPriority, PutJobTagging."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from tule.core import tags as tag_forms
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors as s3_errors
from tule.services.s3.control.batch import rules, run, state
from tule.store.store import Tx

_MOST = 1000
_LISTED_DAYS_MS = 90 * 86_400_000
_SHOWN = ("ConfirmationRequired", "Description", "Manifest", "ManifestGenerator", "Operation", "Priority", "Report", "RoleArn")


def create_job(call: Call, tx: Tx, params: Params) -> Params:
    """With the token of an earlier request, that request's job."""
    rules.check(params)
    request = {name: value for name, value in params.items() if name not in ("AccountId", "ClientRequestToken", "Tags")}
    digest = hashlib.sha256(orjson.dumps([request, params.get("Tags")], option=orjson.OPT_SORT_KEYS)).hexdigest()
    token = params["ClientRequestToken"]
    known = state.TOKENS.get(tx, call.account, call.region, token)
    if known is not None:
        if known["Digest"] != digest:
            raise rules.other_parameters()
        return {"JobId": known["Id"]}
    job = {
        "Id": tx.ids.uuid(),
        "Account": call.account,
        "Region": call.region,
        "Status": "Preparing",
        "Request": request,
        "Priority": params["Priority"],
        "CreatedMs": tx.now_ms,
        "Total": 0,
        "Succeeded": 0,
        "Failed": 0,
        "Failures": [],
        "Tags": rules.tags(params.get("Tags")),
    }
    state.put(tx, job)
    state.TOKENS.put(tx, call.account, call.region, token, {"Id": job["Id"], "Digest": digest})
    run.begin(tx, job, "prepare")
    return {"JobId": job["Id"]}


def _job(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """Raises NoSuchJob."""
    found = state.JOBS.get(tx, call.account, call.region, params["JobId"])
    if found is None:
        raise rules.no_such_job()
    return found


@reads
def describe_job(call: Call, tx: Tx, params: Params) -> Params:
    job = _job(call, tx, params)
    shown: Params = {
        **{name: job["Request"][name] for name in _SHOWN if name in job["Request"]},
        "JobId": job["Id"],
        "JobArn": run.own_arn(job),
        "Status": job["Status"],
        "Priority": job["Priority"],
        "CreationTime": job["CreatedMs"] / 1000,
        "ProgressSummary": _progress(job),
    }
    shown.setdefault("ConfirmationRequired", False)
    if "EndedMs" in job:
        shown["TerminationDate"] = job["EndedMs"] / 1000
    if "SuspendedMs" in job:
        shown |= {"SuspendedDate": job["SuspendedMs"] / 1000, "SuspendedCause": job["SuspendedCause"]}
    if "Reason" in job:
        shown["StatusUpdateReason"] = job["Reason"]
    if job["Failures"]:
        shown["FailureReasons"] = job["Failures"]
    return {"Job": shown}


def _progress(job: dict[str, Any]) -> Params:
    return {
        "TotalNumberOfTasks": job["Total"],
        "NumberOfTasksSucceeded": job["Succeeded"],
        "NumberOfTasksFailed": job["Failed"],
        "Timers": {"ElapsedTimeInActiveSeconds": job.get("ActiveS", 0)},
    }


@reads
def list_jobs(call: Call, tx: Tx, params: Params) -> Params:
    """Of the last ninety days, newest first."""
    wanted = params.get("JobStatuses")
    scope = f"ListJobs {call.account} {call.region} {wanted}"
    token = params.get("NextToken")
    after = call.node.pager.after(scope, token, lambda: s3_errors.invalid_request("The next token is not valid."))
    found = [job for _, job in state.JOBS.page(tx, call.account, call.region)]
    found = [job for job in found if job["CreatedMs"] > tx.now_ms - _LISTED_DAYS_MS and (not wanted or job["Status"] in wanted)]
    found = sorted(found, key=_place)
    rest = [job for job in found if not after or _place(job) > tuple(after)]
    limit = min(params.get("MaxResults") or _MOST, _MOST)
    shown, last = page(rest[: limit + 1], limit, _place)
    result: Params = {"Jobs": [_listed(job) for job in shown]}
    if last is not None:
        result["NextToken"] = call.node.pager.token(scope, last)
    return result


def _place(job: dict[str, Any]) -> tuple[int, str]:
    return -job["CreatedMs"], job["Id"]


def _listed(job: dict[str, Any]) -> Params:
    listed: Params = {
        "JobId": job["Id"],
        "Operation": next(iter(job["Request"]["Operation"])),
        "Priority": job["Priority"],
        "Status": job["Status"],
        "CreationTime": job["CreatedMs"] / 1000,
        "ProgressSummary": _progress(job),
    }
    if "Description" in job["Request"]:
        listed["Description"] = job["Request"]["Description"]
    if "EndedMs" in job:
        listed["TerminationDate"] = job["EndedMs"] / 1000
    return listed


def update_job_priority(call: Call, tx: Tx, params: Params) -> Params:
    job = _job(call, tx, params)
    if job["Status"] in rules.ENDS:
        raise rules.not_from(job["Status"], "another priority")
    state.put(tx, {**job, "Priority": params["Priority"]})
    return {"JobId": job["Id"], "Priority": params["Priority"]}


def update_job_status(call: Call, tx: Tx, params: Params) -> Params:
    """Confirm a job that waits for it, or cancel one that has not ended."""
    job, wanted = _job(call, tx, params), params["RequestedJobStatus"]
    if "StatusUpdateReason" in params:
        job["Reason"] = params["StatusUpdateReason"]
    if wanted == "Ready" and job["Status"] == "Suspended":
        run.activate(tx, job)
    elif wanted == "Cancelled" and job["Status"] == "Active":
        job["Status"] = "Cancelling"
        state.put(tx, job)
        run.begin(tx, job, "report")
    elif wanted == "Cancelled" and job["Status"] in ("Preparing", "Suspended"):
        job |= {"Status": "Cancelled", "EndedMs": tx.now_ms}
        state.put(tx, job)
        run.stop(tx, job)
    else:
        raise rules.not_from(job["Status"], wanted)
    result: Params = {"JobId": job["Id"], "Status": "Ready" if wanted == "Ready" else job["Status"]}
    return result | ({"StatusUpdateReason": job["Reason"]} if "Reason" in job else {})


@reads
def get_job_tagging(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": tag_forms.to_list(_job(call, tx, params)["Tags"])}


def put_job_tagging(call: Call, tx: Tx, params: Params) -> Params:
    """In place of those that were there."""
    if len(params["Tags"]) > rules.MAX_TAGS:
        raise rules.too_many_tags()
    state.put(tx, {**_job(call, tx, params), "Tags": rules.tags(params["Tags"])})
    return {}


def delete_job_tagging(call: Call, tx: Tx, params: Params) -> Params:
    state.put(tx, {**_job(call, tx, params), "Tags": {}})
    call.status = 204
    return {}
