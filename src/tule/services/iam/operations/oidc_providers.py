"""OpenID Connect providers.  AWS: IAM API reference, CreateOpenIDConnectProvider and neighbours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tule.core import arn as arns
from tule.core import tags
from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import errors, rules, shapes
from tule.services.iam.holdings import Thing
from tule.services.iam.providers import OIDC
from tule.store.store import Tx

_MAX_CLIENT_IDS = 100
_MAX_THUMBPRINTS = 5


@named("CreateOpenIDConnectProvider")
def create_oidc_provider(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    url = urlsplit(params["Url"])
    if url.scheme != "https" or not url.hostname or url.query or url.fragment:
        raise errors.validation_error("Invalid Open ID Connect Provider URL")
    thumbprints = _checked_thumbprints(params.get("ThumbprintList", []))
    clients = params.get("ClientIDList", [])
    if len(clients) > _MAX_CLIENT_IDS:
        raise errors.quota_exceeded("ClientIdsPerOpenIdConnectProvider", _MAX_CLIENT_IDS)
    address = (url.netloc + url.path).rstrip("/")
    provider: Thing = {
        "url": address,
        "clients": list(dict.fromkeys(clients)),
        "thumbprints": thumbprints,
        "created_ms": tx.now_ms,
        "tags": rules.checked_tags(params.get("Tags")),
    }
    arn = arns.arn("iam", "", call.account, f"oidc-provider/{address}")
    OIDC.add(tx, call.account, arn, provider)
    result: dict[str, Any] = {"OpenIDConnectProviderArn": arn}
    if provider["tags"]:
        result["Tags"] = tags.to_list(provider["tags"])
    return result


@named("GetOpenIDConnectProvider")
@reads
def get_oidc_provider(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    provider = OIDC.get(tx, call.account, params["OpenIDConnectProviderArn"])
    return {
        "Url": provider["url"],
        "ClientIDList": provider["clients"],
        "ThumbprintList": provider["thumbprints"],
        "CreateDate": shapes.seconds(provider["created_ms"]),
        "Tags": tags.to_list(provider["tags"]),
    }


@named("ListOpenIDConnectProviders")
@reads
def list_oidc_providers(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    found = [{"Arn": arns.arn("iam", "", call.account, f"oidc-provider/{one['url']}")} for one in OIDC.every(tx, call.account)]
    return {"OpenIDConnectProviderList": found}


@named("DeleteOpenIDConnectProvider")
def delete_oidc_provider(call: Call, tx: Tx, params: Params) -> None:
    OIDC.remove(tx, call.account, params["OpenIDConnectProviderArn"])


@named("UpdateOpenIDConnectProviderThumbprint")
def update_oidc_provider_thumbprint(call: Call, tx: Tx, params: Params) -> None:
    arn = params["OpenIDConnectProviderArn"]
    provider = OIDC.get(tx, call.account, arn)
    OIDC.put(tx, call.account, arn, {**provider, "thumbprints": _checked_thumbprints(params["ThumbprintList"])})


@named("AddClientIDToOpenIDConnectProvider")
def add_client_id(call: Call, tx: Tx, params: Params) -> None:
    """Adding a client that is there already is a success."""
    arn = params["OpenIDConnectProviderArn"]
    provider = OIDC.get(tx, call.account, arn)
    clients = list(dict.fromkeys([*provider["clients"], params["ClientID"]]))
    if len(clients) > _MAX_CLIENT_IDS:
        raise errors.quota_exceeded("ClientIdsPerOpenIdConnectProvider", _MAX_CLIENT_IDS)
    OIDC.put(tx, call.account, arn, {**provider, "clients": clients})


@named("RemoveClientIDFromOpenIDConnectProvider")
def remove_client_id(call: Call, tx: Tx, params: Params) -> None:
    arn = params["OpenIDConnectProviderArn"]
    provider = OIDC.get(tx, call.account, arn)
    OIDC.put(tx, call.account, arn, {**provider, "clients": [one for one in provider["clients"] if one != params["ClientID"]]})


def _checked_thumbprints(thumbprints: list[str]) -> list[str]:
    if len(thumbprints) > _MAX_THUMBPRINTS:
        raise errors.invalid_input(f"Thumbprint list must contain fewer than {_MAX_THUMBPRINTS} entries.")
    return thumbprints
