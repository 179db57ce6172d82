"""Which services may write to an account's logs.  AWS: CloudWatch Logs API reference, PutResourcePolicy."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.logs import errors
from tule.services.logs.policies import POLICIES
from tule.store.store import Tx

MAX_POLICIES = 10  # of an account and region
MAX_LISTED = 50

Params = dict[str, Any]


def put_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    name, document = params.get("policyName"), params.get("policyDocument")
    if not name or not document:
        raise errors.invalid_parameter("policyName and policyDocument are required.")
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_parameter("Invalid policy document: not valid JSON") from error
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise errors.invalid_parameter("Invalid policy document: Statement is missing")
    if POLICIES.get(tx, call.account, call.region, name) is None and len(POLICIES.page(tx, call.account, call.region)) >= MAX_POLICIES:
        raise errors.limit_exceeded()
    kept = {"document": document, "updated_ms": tx.now_ms}
    POLICIES.put(tx, call.account, call.region, name, kept)
    return {"resourcePolicy": _policy(name, kept)}


@reads
def describe_resource_policies(call: Call, tx: Tx, params: Params) -> Params:
    scope = f"logs.DescribeResourcePolicies.{call.account}.{call.region}"
    after = call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token)
    limit = params.get("limit", MAX_LISTED)
    shown, last = page(POLICIES.page(tx, call.account, call.region, after=after, limit=limit + 1), limit, lambda item: item[0])
    answer: Params = {"resourcePolicies": [_policy(name, kept) for name, kept in shown]}
    return answer if last is None else answer | {"nextToken": call.node.pager.token(scope, last)}


def delete_resource_policy(call: Call, tx: Tx, params: Params) -> None:
    name = params.get("policyName", "")
    if not POLICIES.delete(tx, call.account, call.region, name):
        raise errors.not_found(f"Policy with name [{name}] does not exist")


def _policy(name: str, kept: dict[str, Any]) -> Params:
    return {"policyName": name, "policyDocument": kept["document"], "lastUpdatedTime": kept["updated_ms"]}
