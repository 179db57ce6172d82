"""Log groups: creating, describing, retention, keys, tags.  AWS: CloudWatch Logs API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.core import tags as tag_rules
from tule.core.errors import ServiceError
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.logs import encryption, errors
from tule.services.logs.groups import GROUPS, Group, check_name, fetch, find, get, group_arn, name_from_identifier, name_of, put
from tule.store.store import Tx
from tule.watch import log_store

MAX_GROUPS = 50
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

Params = dict[str, Any]


async def create_log_group(call: Call, params: Params) -> None:
    check_name(params["logGroupName"])
    if params.get("kmsKeyId"):
        await encryption.check(call, params["logGroupName"], params["kmsKeyId"])
    await call.node.store.write(lambda tx: _create(call, tx, params))


def _create(call: Call, tx: Tx, params: Params) -> None:
    name = params["logGroupName"]
    group: Group = {"id": tx.ids.hex(16), "created_ms": call.now_ms, "class": params.get("logGroupClass", "STANDARD"), "tags": {}}
    _tag(group, params.get("tags", {}))
    if params.get("kmsKeyId"):
        group |= {"kms_key": params["kmsKeyId"], "sealed": True}
    if params.get("deletionProtectionEnabled"):
        group["deletion_protected"] = True
    if not GROUPS.create(tx, call.account, call.region, name, group):
        raise errors.group_exists()


async def delete_log_group(call: Call, params: Params) -> None:
    name = params["logGroupName"]

    def forget(tx: Tx) -> Group:
        group = get(tx, call, name)
        if group.get("deletion_protected"):
            raise errors.validation(f"The log group {name} cannot be deleted because deletion protection is enabled.")
        GROUPS.delete(tx, call.account, call.region, name)
        return group

    group = await call.node.store.write(forget)
    await call.node.telemetry.write(lambda tx: log_store.delete_group(tx, group["id"]))


async def describe_log_groups(call: Call, params: Params) -> Params:
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise errors.invalid_parameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    scope = f"logs.DescribeLogGroups.{call.account}.{call.region}.{prefix}.{pattern}.{params.get('logGroupClass', '')}"
    after = call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token)
    found = await call.node.store.read(lambda tx: _matching(tx, call, params, after))
    shown, last = page(found, params.get("limit", MAX_GROUPS), lambda item: item[0])
    sizes = await call.node.telemetry.read(lambda tx: [log_store.stored_bytes(tx, group["id"]) for _, group in shown])
    answer: Params = {"logGroups": [_described(call, name, group, size) for (name, group), size in zip(shown, sizes, strict=True)]}
    if last is not None:
        answer["nextToken"] = call.node.pager.token(scope, last)
    return answer


async def list_log_groups(call: Call, params: Params) -> Params:
    pattern = params.get("logGroupNamePattern", "")
    scope = f"logs.ListLogGroups.{call.account}.{call.region}.{pattern}.{params.get('logGroupClass', '')}"
    after = call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token)
    asked: Params = {"limit": MAX_GROUPS, **params, "logGroupNamePattern": ""}
    found = await call.node.store.read(lambda tx: _matching(tx, call, asked, after, _named_like(pattern)))
    shown, last = page(found, asked["limit"], lambda item: item[0])
    answer: Params = {"logGroups": [_listed(call, name, group) for name, group in shown]}
    if last is not None:
        answer["nextToken"] = call.node.pager.token(scope, last)
    return answer


def _listed(call: Call, name: str, group: Group) -> Params:
    return {"logGroupName": name, "logGroupArn": group_arn(call.account, call.region, name), "logGroupClass": group["class"]}


def _named_like(pattern: str) -> Callable[[str], bool]:
    """`^a|b`: names that begin with `a` or contain `b`.  AWS: ListLogGroups."""
    options = [option for option in pattern.split("|") if option]
    return lambda name: not options or any(name.startswith(o[1:]) if o.startswith("^") else o in name for o in options)


def _every_name(name: str) -> bool:
    return True


def _matching(tx: Tx, call: Call, params: Params, after: str, wants: Callable[[str], bool] = _every_name) -> list[tuple[str, Group]]:
    """One more than a page."""
    wanted = {name_from_identifier(identifier) for identifier in params.get("logGroupIdentifiers", [])}
    pattern, group_class = params.get("logGroupNamePattern", ""), params.get("logGroupClass")
    found: list[tuple[str, Group]] = []
    for name, group in GROUPS.page(tx, call.account, call.region, after=after, prefix=params.get("logGroupNamePrefix", "")):
        if pattern in name and wants(name) and (not wanted or name in wanted) and group_class in (None, group["class"]):
            found.append((name, group))
            if len(found) > params.get("limit", MAX_GROUPS):
                break
    return found


def _described(call: Call, name: str, group: Group, size: int) -> Params:
    arn = group_arn(call.account, call.region, name)
    shown: Params = {
        "logGroupName": name,
        "creationTime": group["created_ms"],
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": size,
        "logGroupClass": group["class"],
        "logGroupArn": arn,
        "deletionProtectionEnabled": bool(group.get("deletion_protected")),
    }
    if "retention_days" in group:
        shown["retentionInDays"] = group["retention_days"]
    if "kms_key" in group:
        shown["kmsKeyId"] = group["kms_key"]
    return shown


def put_retention_policy(call: Call, tx: Tx, params: Params) -> None:
    group = get(tx, call, params["logGroupName"])
    days = params["retentionInDays"]
    if days not in RETENTIONS:
        rule = f"Member must satisfy enum value set: [{', '.join(map(str, RETENTIONS))}]"
        raise errors.constraint("retentionInDays", days, rule)
    group["retention_days"] = days
    put(tx, call, params["logGroupName"], group)


def delete_retention_policy(call: Call, tx: Tx, params: Params) -> None:
    group = get(tx, call, params["logGroupName"])
    group.pop("retention_days", None)
    put(tx, call, params["logGroupName"], group)


async def associate_kms_key(call: Call, params: Params) -> None:
    name = name_of(params, "resourceIdentifier")
    await fetch(call, name)
    await encryption.check(call, name, params["kmsKeyId"])

    def associate(tx: Tx) -> None:
        put(tx, call, name, {**get(tx, call, name), "kms_key": params["kmsKeyId"], "sealed": True})

    await call.node.store.write(associate)


def disassociate_kms_key(call: Call, tx: Tx, params: Params) -> None:
    name = name_of(params, "resourceIdentifier")
    group = get(tx, call, name)
    group.pop("kms_key", None)
    put(tx, call, name, group)


def put_log_group_deletion_protection(call: Call, tx: Tx, params: Params) -> None:
    name = name_from_identifier(params["logGroupIdentifier"])
    group = get(tx, call, name)
    group["deletion_protected"] = params["deletionProtectionEnabled"]
    put(tx, call, name, group)


def tag_log_group(call: Call, tx: Tx, params: Params) -> None:
    group = get(tx, call, params["logGroupName"])
    _tag(group, params["tags"])
    put(tx, call, params["logGroupName"], group)


def untag_log_group(call: Call, tx: Tx, params: Params) -> None:
    group = get(tx, call, params["logGroupName"])
    group["tags"] = {key: value for key, value in group["tags"].items() if key not in params["tags"]}
    put(tx, call, params["logGroupName"], group)


@reads
def list_tags_log_group(call: Call, tx: Tx, params: Params) -> Params:
    return {"tags": get(tx, call, params["logGroupName"])["tags"]}


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    name, group = _tagged(call, tx, params)
    _tag(group, params["tags"])
    put(tx, call, name, group)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    name, group = _tagged(call, tx, params)
    group["tags"] = {key: value for key, value in group["tags"].items() if key not in params["tagKeys"]}
    put(tx, call, name, group)


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"tags": _tagged(call, tx, params)[1]["tags"]}


def _tagged(call: Call, tx: Tx, params: Params) -> tuple[str, Group]:
    name = name_from_identifier(params["resourceArn"])
    group = find(tx, call, name)
    if group is None:
        raise errors.not_found("The specified resource does not exist.")
    return name, group


def _tag(group: Group, tags: dict[str, str]) -> None:
    merged = group["tags"] | tags
    if len(merged) > tag_rules.MAX_TAGS:
        raise ServiceError("TooManyTagsException", "The maximum number of tags per resource (50) has been exceeded.", 400)
    violation = tag_rules.violation(tags)
    if violation is not None:
        raise errors.invalid_parameter(f"Invalid tags: {violation}.")
    group["tags"] = merged
