"""Long-term access keys.  AWS: IAM API reference, CreateAccessKey, UpdateAccessKey, ListAccessKeys, DeleteAccessKey, GetAccessKeyLastUsed."""

from __future__ import annotations

from typing import Any

from tule.access.access_keys import new_access_key
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, listing, rules, shapes, state, usage
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.state import USER, KeyRow
from tule.store.store import Tx


def create_access_key(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user_id, name = _owner(call, tx, params)
    if len(state.keys_of(tx, call.account, user_id)) >= rules.MAX_ACCESS_KEYS:
        raise errors.quota_exceeded("AccessKeysPerUser", rules.MAX_ACCESS_KEYS)
    row = KeyRow(new_access_key(tx.ids, "AKIA", call.account), call.account, user_id, tx.ids.secret(40), "Active", tx.now_ms)
    state.add_key(tx, row)
    return {"AccessKey": {**_metadata(row, name), "SecretAccessKey": row.secret}}


@reads
def list_access_keys(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user_id, name = _owner(call, tx, params)
    keys = state.keys_of(tx, call.account, user_id)
    return listing.numbered(call, params, "AccessKeyMetadata", keys, lambda row: _metadata(row, name))


def update_access_key(call: Call, tx: Tx, params: Params) -> None:
    state.set_key_status(tx, _of_owner(call, tx, params).access_key, params["Status"])


def delete_access_key(call: Call, tx: Tx, params: Params) -> None:
    state.delete_key(tx, _of_owner(call, tx, params).access_key)


@reads
def get_access_key_last_used(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    row = state.key(tx, params["AccessKeyId"])
    if row is None or row.account != call.account:
        raise errors.access_key_not_found(params["AccessKeyId"])
    found = state.by_id(tx, row.user_id)
    used = usage.of_key(tx, row.access_key)
    result: dict[str, Any] = {"AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    if used is not None:
        result["AccessKeyLastUsed"] = {"LastUsedDate": shapes.seconds(used.at_ms), "ServiceName": used.service, "Region": used.region}
    if found is not None:
        result["UserName"] = found[2]["name"]
    return result


def _owner(call: Call, tx: Tx, params: Params) -> tuple[str, str]:
    """Unique id and name of the user whose keys are meant; the account itself when its root calls for its own."""
    if "UserName" not in params and call.principal.kind == "root":
        return call.account, ""
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    return user["id"], user["name"]


def _of_owner(call: Call, tx: Tx, params: Params) -> KeyRow:
    """The key named by AccessKeyId.  Without UserName the key itself tells its user, as AWS does."""
    row = state.key(tx, params["AccessKeyId"])
    if "UserName" in params:
        user_id, _ = _owner(call, tx, params)
    else:
        user_id = row.user_id if row is not None else ""
    if row is None or row.account != call.account or row.user_id != user_id:
        raise errors.access_key_not_found(params["AccessKeyId"])
    return row


def _metadata(row: KeyRow, name: str) -> dict[str, Any]:
    shape = {"AccessKeyId": row.access_key, "Status": row.status, "CreateDate": shapes.seconds(row.created_ms)}
    return {"UserName": name, **shape} if name else shape
