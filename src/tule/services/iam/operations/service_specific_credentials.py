"""Passwords of users for single services.  AWS: IAM API reference, CreateServiceSpecificCredential and neighbours."""

from __future__ import annotations

import base64
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, listing, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.credentials import SERVICE_CREDENTIALS
from tule.services.iam.holdings import Thing
from tule.services.iam.state import USER, Entity
from tule.store.store import Tx

_SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com")
_MAX_PER_SERVICE = 2


def create_service_specific_credential(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = state.get(tx, USER, call.account, params["UserName"])
    service = _checked_service(params["ServiceName"])
    mine = [one for one in SERVICE_CREDENTIALS.of_user(tx, call.account, user["id"]) if one["service"] == service]
    if len(mine) >= _MAX_PER_SERVICE:
        raise errors.quota_exceeded("ServiceSpecificCredentialsPerUser", _MAX_PER_SERVICE)
    names = {one["login"] for one in mine}
    login = next(name for name in (_login(user, call.account, n) for n in range(_MAX_PER_SERVICE)) if name not in names)
    credential = {
        "id": tx.ids.unique_id("ACCA"),
        "user": user["id"],
        "service": service,
        "login": login,
        "status": "Active",
        "created_ms": tx.now_ms,
    }
    return _with_new_password(call, tx, user, credential)


@reads
def list_service_specific_credentials(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    service = _checked_service(params["ServiceName"]) if "ServiceName" in params else ""
    user = _user(call, tx, params)
    mine = [one for one in SERVICE_CREDENTIALS.of_user(tx, call.account, user["id"]) if service in ("", one["service"])]
    return {"ServiceSpecificCredentials": listing.numbered(call, params, "All", mine, lambda one: _metadata(user, one))["All"]}


def update_service_specific_credential(call: Call, tx: Tx, params: Params) -> None:
    _, credential = _get(call, tx, params)
    SERVICE_CREDENTIALS.put(tx, call.account, credential["id"], {**credential, "status": params["Status"]})


def reset_service_specific_credential(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user, credential = _get(call, tx, params)
    return _with_new_password(call, tx, user, credential)


def delete_service_specific_credential(call: Call, tx: Tx, params: Params) -> None:
    SERVICE_CREDENTIALS.remove(tx, call.account, _get(call, tx, params)[1]["id"])


def _with_new_password(call: Call, tx: Tx, user: Entity, credential: Thing) -> dict[str, Any]:
    password = base64.b64encode(tx.ids.bytes(32)).decode()
    SERVICE_CREDENTIALS.put(tx, call.account, credential["id"], {**credential, "password": password})
    return {"ServiceSpecificCredential": {**_metadata(user, credential), "ServicePassword": password}}


def _get(call: Call, tx: Tx, params: Params) -> tuple[Entity, Thing]:
    user = _user(call, tx, params)
    credential = SERVICE_CREDENTIALS.get(tx, call.account, params["ServiceSpecificCredentialId"])
    if credential["user"] != user["id"]:
        raise SERVICE_CREDENTIALS.missing(credential["id"])
    return user, credential


def _user(call: Call, tx: Tx, params: Params) -> Entity:
    return state.get(tx, USER, call.account, named_or_calling_user(call, params))


def _checked_service(name: str) -> str:
    if name not in _SERVICES:
        raise errors.no_such_entity(f"No such service {name} is supported for Service Specific Credentials")
    return name


def _login(user: Entity, account: str, number: int) -> str:
    return f"{user['name']}+{number}-at-{account}" if number else f"{user['name']}-at-{account}"


def _metadata(user: Entity, credential: Thing) -> dict[str, Any]:
    return {
        "UserName": user["name"],
        "Status": credential["status"],
        "ServiceUserName": credential["login"],
        "CreateDate": shapes.seconds(credential["created_ms"]),
        "ServiceSpecificCredentialId": credential["id"],
        "ServiceName": credential["service"],
    }
