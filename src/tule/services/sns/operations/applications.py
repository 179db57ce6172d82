"""Platform applications and endpoints.  AWS: SNS API reference, CreatePlatformApplication, CreatePlatformEndpoint and on."""

from __future__ import annotations

from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.sns import mobile
from tule.services.sns.listing import PAGE, position
from tule.store.store import Tx

Params = dict[str, Any]


def create_platform_application(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn = mobile.create(tx, call.account, call.region, params["Name"], params["Platform"], params["Attributes"])
    return {"PlatformApplicationArn": arn}


@reads
def get_platform_application_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"Attributes": mobile.shown(mobile.get(tx, params["PlatformApplicationArn"]))}


def set_platform_application_attributes(call: Call, tx: Tx, params: Params) -> None:
    mobile.change(tx, params["PlatformApplicationArn"], params["Attributes"])


def delete_platform_application(call: Call, tx: Tx, params: Params) -> None:
    mobile.delete(tx, params["PlatformApplicationArn"])


@reads
def list_platform_applications(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    scope = f"sns.applications/{call.account}/{call.region}"
    after = position(call, scope, params.get("NextToken"))
    rows, more = page(mobile.page(tx, call.account, call.region, after, PAGE + 1), PAGE, lambda row: row[0])
    found = [{"PlatformApplicationArn": arn, "Attributes": mobile.shown(attributes)} for arn, attributes in rows]
    return {"PlatformApplications": found, "NextToken": more and call.node.pager.token(scope, more)}


def create_platform_endpoint(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    given = dict(params.get("Attributes") or {})
    if params.get("CustomUserData"):
        given.setdefault("CustomUserData", params["CustomUserData"])
    return {"EndpointArn": mobile.create_endpoint(tx, params["PlatformApplicationArn"], params["Token"], given)}


@reads
def get_endpoint_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"Attributes": mobile.endpoint(tx, params["EndpointArn"])}


def set_endpoint_attributes(call: Call, tx: Tx, params: Params) -> None:
    mobile.change_endpoint(tx, params["EndpointArn"], params["Attributes"])


def delete_endpoint(call: Call, tx: Tx, params: Params) -> None:
    mobile.delete_endpoint(tx, params["EndpointArn"])


@reads
def list_endpoints_by_platform_application(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn = params["PlatformApplicationArn"]
    mobile.get(tx, arn)
    scope = f"sns.endpoints/{arn}"
    after = position(call, scope, params.get("NextToken"))
    rows, more = page(mobile.endpoints(tx, arn, after, PAGE + 1), PAGE, lambda row: row[0])
    found = [{"EndpointArn": endpoint, "Attributes": attributes} for endpoint, attributes in rows]
    return {"Endpoints": found, "NextToken": more and call.node.pager.token(scope, more)}
