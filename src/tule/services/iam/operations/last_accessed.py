"""What was really used.  AWS: "Refine permissions in AWS using last accessed information" (IAM user guide).

The report is made when it is asked for; the job only remembers of what.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, grants, listing, policies, policy_texts, shapes, state, usage
from tule.services.iam.entity_arns import entity_at
from tule.services.iam.service_names import SERVICE_NAMES, namespace_of
from tule.services.iam.state import GROUP, Entity, Kind
from tule.services.iam.usage import Use
from tule.store.documents import Documents
from tule.store.store import Tx

_JOBS = Documents("iam.last-accessed-job")
_Used = dict[str, list[tuple[Kind, Entity, Use]]]


def generate_service_last_accessed_details(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn = params["Arn"]
    _entities(call, tx, arn)
    job = tx.ids.uuid()
    body = {"arn": arn, "granularity": params.get("Granularity", "SERVICE_LEVEL"), "at_ms": tx.now_ms}
    _JOBS.put(tx, call.account, state.GLOBAL, job, body)
    return {"JobId": job}


@reads
def get_service_last_accessed_details(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    job = _job(call, tx, params)
    used = _used(tx, _entities(call, tx, job["arn"]))
    granted = _granted(call, tx, job["arn"])
    names = sorted({*granted, *used})
    by_action = job["granularity"] == "ACTION_LEVEL"
    shown = listing.page(call, params, "ServicesLastAccessed", names, str, lambda name: _service(call, name, used.get(name, []), by_action))
    return {**_status(job), "JobType": job["granularity"], **shown}


@reads
def get_service_last_accessed_details_with_entities(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    job = _job(call, tx, params)
    latest: dict[str, tuple[Kind, Entity, Use]] = {}
    for one in _used(tx, _entities(call, tx, job["arn"])).get(params["ServiceNamespace"], []):
        if one[1]["id"] not in latest or latest[one[1]["id"]][2].at_ms < one[2].at_ms:
            latest[one[1]["id"]] = one
    rows = sorted(latest.values(), key=lambda one: one[1]["id"])
    shown = listing.page(call, params, "EntityDetailsList", rows, lambda one: one[1]["id"], lambda one: _entity_details(call, *one))
    return {**_status(job), **shown}


def _job(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    job = _JOBS.get(tx, call.account, state.GLOBAL, params["JobId"])
    if job is None:
        raise errors.no_such_entity(f"Job {params['JobId']} cannot be found.")
    return job


def _status(job: dict[str, Any]) -> dict[str, Any]:
    at_s = shapes.seconds(job["at_ms"])
    return {"JobStatus": "COMPLETED", "JobCreationDate": at_s, "JobCompletionDate": at_s}


def _entities(call: Call, tx: Tx, arn: str) -> list[tuple[Kind, Entity]]:
    """The users and roles whose uses count for the user, group, role or policy of `arn`."""
    if arns.is_arn(arn) and arns.parse(arn).resource_type == "policy":
        policies.get(tx, call.account, arn)
        found = state.entities_with(tx, call.account, arn)
    else:
        found = [entity_at(tx, call.account, arn)]
    groups = [entity for kind, entity in found if kind is GROUP]
    members = [(state.USER, user) for group in groups for user in state.members(tx, call.account, group["id"])]
    return [one for one in found if one[0] is not GROUP] + members


def _granted(call: Call, tx: Tx, arn: str) -> list[str]:
    """The services that the policies let anybody use."""
    if arns.parse(arn).resource_type == "policy":
        texts = [policies.default_document(tx, call.account, arn) or "{}"]
    else:
        kind, entity = entity_at(tx, call.account, arn)
        texts = [policy.text for policy in policy_texts.of_entity(tx, kind, call.account, entity)]
    documents = [orjson.loads(text) for text in texts]
    return [name for name in SERVICE_NAMES if any(grants.grants(document, name) for document in documents)]


def _used(tx: Tx, entities: list[tuple[Kind, Entity]]) -> _Used:
    """Uses by namespace, newest first."""
    found: _Used = defaultdict(list)
    for kind, entity in entities:
        for use in usage.of_entity(tx, entity["id"]):
            found[namespace_of(use.service)].append((kind, entity, use))
    for uses in found.values():
        uses.sort(key=lambda one: -one[2].at_ms)
    return found


def _service(call: Call, name: str, used: list[tuple[Kind, Entity, Use]], by_action: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "ServiceName": SERVICE_NAMES.get(name, name),
        "ServiceNamespace": name,
        "TotalAuthenticatedEntities": len({entity["id"] for _, entity, _ in used}),
    }
    if used:
        kind, entity, use = used[0]
        shape |= {
            "LastAuthenticated": shapes.seconds(use.at_ms),
            "LastAuthenticatedEntity": kind.arn(call.account, entity),
            "LastAuthenticatedRegion": use.region,
        }
    if by_action:
        shape["TrackedActionsLastAccessed"] = [_action(call, *one) for one in used]
    return shape


def _action(call: Call, kind: Kind, entity: Entity, use: Use) -> dict[str, Any]:
    return {
        "ActionName": use.action,
        "LastAccessedEntity": kind.arn(call.account, entity),
        "LastAccessedTime": shapes.seconds(use.at_ms),
        "LastAccessedRegion": use.region,
    }


def _entity_details(call: Call, kind: Kind, entity: Entity, use: Use) -> dict[str, Any]:
    info = {
        "Arn": kind.arn(call.account, entity),
        "Name": entity["name"],
        "Type": kind.noun.upper(),
        "Id": entity["id"],
        "Path": entity["path"],
    }
    return {"EntityInfo": info, "LastAuthenticated": shapes.seconds(use.at_ms)}
