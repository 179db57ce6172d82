"""SMS settings, opted-out numbers, the sandbox.  AWS: SNS API reference, GetSMSAttributes, CheckIfPhoneNumberIsOptedOut and on."""

from __future__ import annotations

from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import named, reads
from tule.services.sns import sandbox, sms
from tule.services.sns.listing import PAGE, position
from tule.store.store import Tx

Params = dict[str, Any]


@reads
@named("GetSMSAttributes")
def get_sms_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    wanted = params.get("attributes")
    found = sms.attributes(tx, call.account, call.region)
    return {"attributes": {name: value for name, value in found.items() if not wanted or name in wanted}}


@named("SetSMSAttributes")
def set_sms_attributes(call: Call, tx: Tx, params: Params) -> None:
    sms.set_attributes(tx, call.account, call.region, params["attributes"])


@reads
def check_if_phone_number_is_opted_out(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"isOptedOut": sms.is_opted_out(tx, call.account, call.region, params["phoneNumber"])}


def opt_in_phone_number(call: Call, tx: Tx, params: Params) -> None:
    """A number that never opted out is no error."""
    sms.opt_in(tx, call.account, call.region, params["phoneNumber"])


@reads
def list_phone_numbers_opted_out(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    scope = f"sns.opted-out/{call.account}/{call.region}"
    after = position(call, scope, params.get("nextToken"))
    rows, more = page(sms.opted_out(tx, call.account, call.region, after, PAGE + 1), PAGE, lambda number: number)
    return {"phoneNumbers": rows, "nextToken": more and call.node.pager.token(scope, more)}


@reads
def list_origination_numbers(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """Nobody can buy one here."""
    return {"PhoneNumbers": []}


@reads
@named("GetSMSSandboxAccountStatus")
def get_sms_sandbox_account_status(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"IsInSandbox": False}


@named("CreateSMSSandboxPhoneNumber")
def create_sms_sandbox_phone_number(call: Call, tx: Tx, params: Params) -> None:
    sandbox.add(tx, call.account, call.region, params["PhoneNumber"])


@named("VerifySMSSandboxPhoneNumber")
def verify_sms_sandbox_phone_number(call: Call, tx: Tx, params: Params) -> None:
    sandbox.verify(tx, call.account, call.region, params["PhoneNumber"], params["OneTimePassword"])


@named("DeleteSMSSandboxPhoneNumber")
def delete_sms_sandbox_phone_number(call: Call, tx: Tx, params: Params) -> None:
    sandbox.remove(tx, call.account, call.region, params["PhoneNumber"])


@reads
@named("ListSMSSandboxPhoneNumbers")
def list_sms_sandbox_phone_numbers(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    scope = f"sns.sandbox/{call.account}/{call.region}"
    limit = params.get("MaxResults", PAGE)
    after = position(call, scope, params.get("NextToken"))
    rows, more = page(sandbox.page(tx, call.account, call.region, after, limit + 1), limit, lambda row: row["PhoneNumber"])
    return {"PhoneNumbers": rows, "NextToken": more and call.node.pager.token(scope, more)}
