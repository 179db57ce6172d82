"""Customer managed policies and their versions; AWS's own, read only.

AWS: IAM API reference, CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, CreatePolicyVersion, SetDefaultPolicyVersion, ListEntitiesForPolicy.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import aws_managed, documents, errors, listing, policies, rules, state
from tule.services.iam.policies import ManagedPolicy
from tule.services.iam.state import ATTACHED, BOUNDARY, Kind
from tule.store.store import Tx


def create_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    text = _checked(params["PolicyDocument"])
    policy: ManagedPolicy = {
        "name": params["PolicyName"],
        "path": params.get("Path", "/"),
        "id": tx.ids.unique_id("ANPA"),
        "default": "v1",
        "next_version": 2,
        "versions": [{"id": "v1", "text": text, "created_ms": tx.now_ms}],
        "created_ms": tx.now_ms,
        "updated_ms": tx.now_ms,
        "tags": rules.checked_tags(params.get("Tags")),
    }
    if params.get("Description"):
        policy["description"] = params["Description"]
    policies.create(tx, call.account, policy)
    shape = policies.shape(call.account, policy, 0, 0)
    if not shape["Tags"]:
        del shape["Tags"]
    return {"Policy": shape}


@reads
def get_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn = params["PolicyArn"]
    policy = policies.get(tx, call.account, arn)
    uses = (state.use_count(tx, call.account, arn, purpose) for purpose in (ATTACHED, BOUNDARY))
    return {"Policy": policies.shape(call.account, policy, *uses)}


@reads
def list_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    in_use = state.policies_in_use(tx, call.account)
    purpose = BOUNDARY if params.get("PolicyUsageFilter") == "PermissionsBoundary" else ATTACHED
    prefix = params.get("PathPrefix", "/")
    rows: list[tuple[str, ManagedPolicy]] = []
    for policy in _in_scope(call, tx, params.get("Scope", "All")):
        arn = policies.arn(call.account, policy)
        used = in_use.get((arn, purpose), 0)
        if policy["path"].startswith(prefix) and (used or not (params.get("OnlyAttached") or "PolicyUsageFilter" in params)):
            rows.append((arn, policy))
    rows.sort(key=lambda row: row[0])

    def show(row: tuple[str, ManagedPolicy]) -> dict[str, Any]:
        return policies.shape(call.account, row[1], in_use.get((row[0], ATTACHED), 0), in_use.get((row[0], BOUNDARY), 0), listed=True)

    return listing.page(call, params, "Policies", rows, lambda row: row[0], show)


def delete_policy(call: Call, tx: Tx, params: Params) -> None:
    arn = params["PolicyArn"]
    policy = policies.changeable(tx, call.account, arn)
    if state.use_count(tx, call.account, arn) or state.use_count(tx, call.account, arn, BOUNDARY):
        raise errors.delete_conflict("Cannot delete a policy attached to entities.")
    if len(policy["versions"]) > 1:
        raise errors.delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    policies.delete(tx, call.account, policy)


def create_policy_version(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    policy = policies.changeable(tx, call.account, params["PolicyArn"])
    text = _checked(params["PolicyDocument"])
    if len(policy["versions"]) >= rules.MAX_VERSIONS:
        raise errors.limit_exceeded(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
        )
    version = {"id": f"v{policy['next_version']}", "text": text, "created_ms": tx.now_ms}
    policy["next_version"] += 1
    policy["versions"].append(version)
    if params.get("SetAsDefault"):
        policy["default"] = version["id"]
    policies.put(tx, call.account, {**policy, "updated_ms": tx.now_ms})
    return {"PolicyVersion": policies.version_shape(policy, version, document=False)}


@reads
def get_policy_version(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    policy = policies.get(tx, call.account, params["PolicyArn"])
    version = _version(policy, params)
    return {"PolicyVersion": policies.version_shape(policy, version, document=True)}


@reads
def list_policy_versions(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    policy = policies.get(tx, call.account, params["PolicyArn"])
    newest_first = list(reversed(policy["versions"]))
    return listing.numbered(call, params, "Versions", newest_first, lambda one: policies.version_shape(policy, one, document=False))


def set_default_policy_version(call: Call, tx: Tx, params: Params) -> None:
    policy = policies.changeable(tx, call.account, params["PolicyArn"])
    version = _version(policy, params)
    policies.put(tx, call.account, {**policy, "default": version["id"], "updated_ms": tx.now_ms})


def delete_policy_version(call: Call, tx: Tx, params: Params) -> None:
    policy = policies.changeable(tx, call.account, params["PolicyArn"])
    version = _version(policy, params)
    if version["id"] == policy["default"]:
        raise errors.delete_conflict("Cannot delete the default version of a policy.")
    policy["versions"].remove(version)
    policies.put(tx, call.account, {**policy, "updated_ms": tx.now_ms})


@reads
def list_entities_for_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn, prefix = params["PolicyArn"], params.get("PathPrefix", "/")
    policies.get(tx, call.account, arn)
    purposes = {"PermissionsPolicy": [ATTACHED], "PermissionsBoundary": [BOUNDARY]}.get(params.get("PolicyUsageFilter", ""), [ATTACHED, BOUNDARY])
    wanted = params.get("EntityFilter", "")
    found = {
        entity["id"]: (kind, entity)
        for purpose in purposes
        for kind, entity in state.entities_with(tx, call.account, arn, purpose)
        if wanted in ("", kind.title) and entity["path"].startswith(prefix)
    }
    rows = sorted(found.values(), key=_entity_key)
    shown = listing.page(call, params, "Entities", rows, _entity_key, lambda row: row)
    result: dict[str, Any] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
    for kind, entity in shown.pop("Entities"):
        result[f"Policy{kind.title}s"].append({kind.member: entity["name"], f"{kind.title}Id": entity["id"]})
    return {**result, **shown}


def _entity_key(row: tuple[Kind, dict[str, Any]]) -> str:
    return f"{row[0].noun}/{row[1]['name'].lower()}"


def _in_scope(call: Call, tx: Tx, scope: str) -> list[ManagedPolicy]:
    mine = [] if scope == "AWS" else policies.of_account(tx, call.account)
    return mine if scope == "Local" else mine + aws_managed.every_policy()


def _version(policy: ManagedPolicy, params: Params) -> dict[str, Any]:
    version = policies.version(policy, params["VersionId"])
    if version is None:
        raise errors.version_not_found(params["PolicyArn"], params["VersionId"])
    return version


def _checked(text: str) -> str:
    documents.parsed(text)
    if rules.chars(text) > rules.MAX_POLICY_CHARS:
        raise errors.quota_exceeded("PolicySize", rules.MAX_POLICY_CHARS)
    return text
