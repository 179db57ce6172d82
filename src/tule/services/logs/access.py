"""Who may do what with log groups and streams.  AWS: Service authorization reference, CloudWatch Logs.

Operations on a group need their permission on its ARN followed by `:log-stream:` and nothing, which is what `...:*` in
policies is for; operations on streams on the stream's ARN; tagging on the ARN that was named.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.logs import policies
from tule.services.logs.destinations import DESTINATIONS, destination_arn
from tule.services.logs.groups import find, group_arn, name_from_identifier, stream_arn
from tule.store.store import Tx

Params = dict[str, Any]

_ON_GROUP = (
    "CreateLogGroup",
    "DeleteLogGroup",
    "PutRetentionPolicy",
    "DeleteRetentionPolicy",
    "AssociateKmsKey",
    "DisassociateKmsKey",
    "PutLogGroupDeletionProtection",
    "TagLogGroup",
    "UntagLogGroup",
    "ListTagsLogGroup",
    "DescribeLogStreams",
    "FilterLogEvents",
    "PutSubscriptionFilter",
    "DescribeSubscriptionFilters",
    "DeleteSubscriptionFilter",
)
_ON_STREAM = ("CreateLogStream", "DeleteLogStream", "PutLogEvents", "GetLogEvents")
_TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")


def _on_group(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = _group_name(params)
    return [Need(action, stream_arn(call.account, call.region, name, ""), _tags(call, tx, name, params))]


def _on_stream(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = _group_name(params)
    resource = stream_arn(call.account, call.region, name, params["logStreamName"])
    policy = policies.combined(tx, call.account, call.region) if call.principal.kind == "service" else None
    return [Need(action, resource, _tags(call, tx, name, params), policy, call.account)]


def _destination(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    needs = [Need(action, destination_arn(call.account, call.region, params["destinationName"]))]
    if "roleArn" in params:
        needs.append(_pass_role(params["roleArn"]))
    return needs


def _put_subscription_filter(call: Call, tx: Tx, params: Params) -> list[Need]:
    needs = _on_group("logs:PutSubscriptionFilter", call, tx, params)
    if "roleArn" in params:
        needs.append(_pass_role(params["roleArn"]))
    to = arns.parse(params["destinationArn"]) if arns.is_arn(params["destinationArn"]) else None
    if to is not None and to.service == "logs":
        kept = DESTINATIONS.get(tx, to.account, to.region, to.resource.removeprefix("destination:")) or {}
        policy = orjson.loads(kept["accessPolicy"]) if "accessPolicy" in kept else None
        needs.append(Need("logs:PutSubscriptionFilter", str(to), policy=policy, owner=to.account))
    return needs


def _pass_role(role: str) -> Need:
    return Need("iam:PassRole", role, {"iam:PassedToService": "logs.amazonaws.com"})


def _tagging(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = name_from_identifier(params["resourceArn"])
    owner = arns.parse(params["resourceArn"]).account if arns.is_arn(params["resourceArn"]) else ""
    return [Need(action, group_arn(call.account, call.region, name), _tags(call, tx, name, params), owner=owner)]


def _live_tail(call: Call, tx: Tx, params: Params) -> list[Need]:
    names = [name_from_identifier(identifier) for identifier in params["logGroupIdentifiers"]]
    return [Need("logs:StartLiveTail", stream_arn(call.account, call.region, name, ""), _tags(call, tx, name, params)) for name in names]


def _group_name(params: Params) -> str:
    return params.get("logGroupName") or name_from_identifier(params.get("logGroupIdentifier") or params.get("resourceIdentifier") or "")


def _tags(call: Call, tx: Tx, name: str, params: Params) -> Mapping[str, Any]:
    group = find(tx, call, name)
    keys = {f"aws:ResourceTag/{key}": value for key, value in group["tags"].items()} if group is not None else {}
    given = params.get("tags")
    if isinstance(given, dict):
        keys |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
        keys["aws:TagKeys"] = list(given)
    return keys


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {"StartLiveTail": _live_tail}
    for operation in ("PutDestination", "PutDestinationPolicy", "DeleteDestination"):
        needs[operation] = partial(_destination, f"logs:{operation}")
    for operations, need in ((_ON_GROUP, _on_group), (_ON_STREAM, _on_stream), (_TAGGING, _tagging)):
        for operation in operations:
            needs[operation] = partial(need, f"logs:{operation}")
    needs["PutSubscriptionFilter"] = _put_subscription_filter
    return needs


NEEDS = _needs()
