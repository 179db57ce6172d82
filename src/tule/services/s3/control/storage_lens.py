"""Configurations of S3 Storage Lens and its groups: kept, for who describes them; nothing is measured by them.

AWS: S3 Control API reference, PutStorageLensConfiguration, CreateStorageLensGroup.
"""

from __future__ import annotations

from tule.core import arn
from tule.core import tags as tag_forms
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors as s3_errors
from tule.services.s3.control import access, errors
from tule.services.s3.state.accounts import LENS_GROUPS, LENSES
from tule.store.store import Tx


def put_storage_lens_configuration(call: Call, tx: Tx, params: Params) -> Params:
    configuration, id = params["StorageLensConfiguration"], params["ConfigId"]
    if configuration.get("Id") != id:
        raise s3_errors.invalid_request("The configuration's id is not that of the request.")
    known = LENSES.get(tx, call.account, call.region, id) or {}
    tags = access.tags(call, params["Tags"]) if "Tags" in params else known.get("Tags", {})
    own = arn.arn("s3", call.region, call.account, f"storage-lens/{id}")
    LENSES.put(tx, call.account, call.region, id, {"Configuration": {**configuration, "StorageLensArn": own}, "Tags": tags})
    return {}


def _lens(call: Call, tx: Tx, params: Params) -> Params:
    found = LENSES.get(tx, call.account, call.region, params["ConfigId"])
    if found is None:
        raise errors.no_such_configuration()
    return found


@reads
def get_storage_lens_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return {"StorageLensConfiguration": _lens(call, tx, params)["Configuration"]}


@reads
def list_storage_lens_configurations(call: Call, tx: Tx, params: Params) -> Params:
    found = [each["Configuration"] for _, each in LENSES.page(tx, call.account, call.region)]
    listed = [
        {"Id": each["Id"], "StorageLensArn": each["StorageLensArn"], "HomeRegion": call.region, "IsEnabled": each.get("IsEnabled", False)}
        for each in found
    ]
    return {"StorageLensConfigurationList": listed}


def delete_storage_lens_configuration(call: Call, tx: Tx, params: Params) -> Params:
    _lens(call, tx, params)
    LENSES.delete(tx, call.account, call.region, params["ConfigId"])
    call.status = 204
    return {}


def put_storage_lens_configuration_tagging(call: Call, tx: Tx, params: Params) -> Params:
    tags = access.tags(call, params.get("Tags") or ())
    LENSES.put(tx, call.account, call.region, params["ConfigId"], {**_lens(call, tx, params), "Tags": tags})
    return {}


@reads
def get_storage_lens_configuration_tagging(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": tag_forms.to_list(_lens(call, tx, params)["Tags"])}


def delete_storage_lens_configuration_tagging(call: Call, tx: Tx, params: Params) -> Params:
    LENSES.put(tx, call.account, call.region, params["ConfigId"], {**_lens(call, tx, params), "Tags": {}})
    call.status = 204
    return {}


def create_storage_lens_group(call: Call, tx: Tx, params: Params) -> Params:
    group = params["StorageLensGroup"]
    own = arn.arn("s3", call.region, call.account, f"storage-lens-group/{group['Name']}")
    tags = access.tags(call, params.get("Tags") or ())
    body = {"Group": {**group, "StorageLensGroupArn": own}, "Tags": tags}
    if not LENS_GROUPS.create(tx, call.account, call.region, group["Name"], body):
        raise errors.already_exists()
    call.status = 204
    return {}


def _group(call: Call, tx: Tx, params: Params) -> Params:
    found = LENS_GROUPS.get(tx, call.account, call.region, params["Name"])
    if found is None:
        raise errors.no_such_configuration()
    return found


@reads
def get_storage_lens_group(call: Call, tx: Tx, params: Params) -> Params:
    return {"StorageLensGroup": _group(call, tx, params)["Group"]}


def update_storage_lens_group(call: Call, tx: Tx, params: Params) -> Params:
    known = _group(call, tx, params)
    group = {**params["StorageLensGroup"], "StorageLensGroupArn": known["Group"]["StorageLensGroupArn"]}
    LENS_GROUPS.put(tx, call.account, call.region, params["Name"], {**known, "Group": group})
    call.status = 204
    return {}


def delete_storage_lens_group(call: Call, tx: Tx, params: Params) -> Params:
    _group(call, tx, params)
    LENS_GROUPS.delete(tx, call.account, call.region, params["Name"])
    call.status = 204
    return {}


@reads
def list_storage_lens_groups(call: Call, tx: Tx, params: Params) -> Params:
    found = [each["Group"] for _, each in LENS_GROUPS.page(tx, call.account, call.region)]
    listed = [{"Name": each["Name"], "StorageLensGroupArn": each["StorageLensGroupArn"], "HomeRegion": call.region} for each in found]
    return {"StorageLensGroupList": listed}
