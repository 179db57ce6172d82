"""Virtual MFA devices.  AWS: IAM API reference, CreateVirtualMFADevice, EnableMFADevice, ListMFADevices and neighbours."""

from __future__ import annotations

import base64
from typing import Any

from tule.core import arn as arns
from tule.core import tags
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import errors, listing, mfa_devices, rules, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.holdings import Thing
from tule.services.iam.mfa_devices import SHELF
from tule.services.iam.state import USER
from tule.store.store import Tx

_MAX_PER_USER = 8


@named("CreateVirtualMFADevice")
def create_virtual_mfa_device(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """The seed is shown once, as base32 text; the picture of it (QRCodePNG) is left to the client."""
    serial = arns.arn("iam", "", call.account, f"mfa{params.get('Path', '/')}{params['VirtualMFADeviceName']}")
    seed = base64.b32encode(tx.ids.bytes(mfa_devices.SEED_BYTES)).decode()
    device: Thing = {"serial": serial, "seed": seed, "created_ms": tx.now_ms, "tags": rules.checked_tags(params.get("Tags"))}
    SHELF.add(tx, call.account, serial, device)
    shape: dict[str, Any] = {"SerialNumber": serial, "Base32StringSeed": seed.encode()}
    if device["tags"]:
        shape["Tags"] = tags.to_list(device["tags"])
    return {"VirtualMFADevice": shape}


@named("EnableMFADevice")
def enable_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    user = state.get(tx, USER, call.account, params["UserName"])
    device = SHELF.get(tx, call.account, params["SerialNumber"])
    if device.get("user"):
        raise errors.already_exists("MFADevice entity at the same path and name already exists.")
    if len(SHELF.of_user(tx, call.account, user["id"])) >= _MAX_PER_USER:
        raise errors.quota_exceeded("MFADevicesPerUser", _MAX_PER_USER)
    _check_codes(call, device, params)
    SHELF.put(tx, call.account, device["serial"], {**device, "user": user["id"], "enabled_ms": tx.now_ms})


@named("ResyncMFADevice")
def resync_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    _check_codes(call, _of_user(call, tx, params), params)


@named("DeactivateMFADevice")
def deactivate_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    device = _of_user(call, tx, params)
    SHELF.put(tx, call.account, device["serial"], {**device, "user": ""})


@named("DeleteVirtualMFADevice")
def delete_virtual_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    if SHELF.get(tx, call.account, params["SerialNumber"]).get("user"):
        raise errors.delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
    SHELF.remove(tx, call.account, params["SerialNumber"])


@named("GetMFADevice")
@reads
def get_mfa_device(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    device = SHELF.get(tx, call.account, params["SerialNumber"])
    return _shape(tx, device)


@named("ListMFADevices")
@reads
def list_mfa_devices(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    devices = SHELF.of_user(tx, call.account, user["id"])
    return listing.numbered(call, params, "MFADevices", devices, lambda device: _shape(tx, device))


@named("ListVirtualMFADevices")
@reads
def list_virtual_mfa_devices(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    wanted = params.get("AssignmentStatus", "Any")
    devices = [one for one in SHELF.every(tx, call.account) if wanted == "Any" or (wanted == "Assigned") == bool(one.get("user"))]

    def show(device: Thing) -> dict[str, Any]:
        found = state.by_id(tx, device["user"]) if device.get("user") else None
        shape: dict[str, Any] = {"SerialNumber": device["serial"]}
        if found is not None:
            shape |= {"User": shapes.user(call.account, found[2]), "EnableDate": shapes.seconds(device["enabled_ms"])}
        return shape

    return listing.page(call, params, "VirtualMFADevices", devices, lambda device: device["serial"], show)


def _of_user(call: Call, tx: Tx, params: Params) -> Thing:
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    device = SHELF.find(tx, call.account, params["SerialNumber"])
    if device is None or device.get("user") != user["id"]:
        raise errors.no_such_entity(f"MFA Device invalid for user: {params['SerialNumber']}")
    return device


def _check_codes(call: Call, device: Thing, params: Params) -> None:
    first, second = params["AuthenticationCode1"], params["AuthenticationCode2"]
    if not mfa_devices.consecutive(device["seed"], first, second, call.now_ms):
        raise ServiceError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


def _shape(tx: Tx, device: Thing) -> dict[str, Any]:
    shape: dict[str, Any] = {"SerialNumber": device["serial"]}
    found = state.by_id(tx, device["user"]) if device.get("user") else None
    if found is not None:
        shape |= {"UserName": found[2]["name"], "EnableDate": shapes.seconds(device["enabled_ms"])}
    return shape
