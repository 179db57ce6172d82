"""Service-linked roles.  AWS: IAM API reference, CreateServiceLinkedRole, DeleteServiceLinkedRole, GetServiceLinkedRoleDeletionStatus."""

from __future__ import annotations

import json
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import aws_managed, errors, rules, shapes, state
from tule.services.iam.service_linked_roles import LINKED_SERVICES, POLICY_PATH
from tule.services.iam.state import ROLE
from tule.store.documents import Documents
from tule.store.store import Tx

_DELETIONS = Documents("iam.service-linked-role-deletion")


def create_service_linked_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    service, suffix = params["AWSServiceName"], params.get("CustomSuffix", "")
    linked = LINKED_SERVICES.get(service)
    if linked is None:
        raise errors.invalid_input(f"Service {service} is not supported for service-linked roles.")
    if suffix and not linked.suffixed:
        raise errors.invalid_input(f"Custom suffix is not allowed for {service}")
    name = f"{linked.role}_{suffix}" if suffix else linked.role
    if state.find(tx, ROLE, call.account, name) is not None:
        raise errors.invalid_input(f"Service role name {name} has been taken in this account, please try a different suffix.")
    role = rules.new_entity(tx, ROLE, name, f"{rules.SERVICE_ROLE_PATH}{service}/")
    role |= {"trust": _trust(service), "description": params.get("Description", ""), "max_session": rules.DEFAULT_SESSION_S}
    state.create(tx, ROLE, call.account, role)
    policy_arn = POLICY_PATH + linked.policy
    if aws_managed.find(policy_arn) is not None:
        state.attach(tx, call.account, role["id"], policy_arn)
    shape = shapes.role(call.account, role)
    del shape["MaxSessionDuration"]
    return {"Role": shape}


def delete_service_linked_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """Done at once: nothing here keeps resources that would hold the role."""
    role = state.get(tx, ROLE, call.account, params["RoleName"])
    if not role["path"].startswith(rules.SERVICE_ROLE_PATH):
        raise errors.invalid_input(f"{role['name']} is not a service-linked role.")
    for policy_arn in state.attached_policies(tx, call.account, role["id"]):
        state.detach(tx, call.account, role["id"], policy_arn)
    state.delete(tx, ROLE, call.account, role["name"])
    task = f"task{role['path']}{role['name']}/{tx.ids.uuid()}"
    _DELETIONS.put(tx, call.account, state.GLOBAL, task, {"status": "SUCCEEDED"})
    return {"DeletionTaskId": task}


@named("GetServiceLinkedRoleDeletionStatus")
@reads
def get_deletion_status(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    deletion = _DELETIONS.get(tx, call.account, state.GLOBAL, params["DeletionTaskId"])
    if deletion is None:
        raise errors.no_such_entity(f"Deletion task {params['DeletionTaskId']} cannot be found.")
    return {"Status": deletion["status"]}


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
