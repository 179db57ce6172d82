"""SAML providers.  AWS: IAM API reference, CreateSAMLProvider and neighbours."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from tule.core import arn as arns
from tule.core import tags
from tule.core.errors import not_implemented
from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import errors, rules, shapes
from tule.services.iam.holdings import Thing
from tule.services.iam.providers import SAML
from tule.store.store import Tx

_VALID_YEARS_MS = 100 * 365 * 86_400_000


@named("CreateSAMLProvider")
def create_saml_provider(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    _refuse_encryption(call, params)
    provider: Thing = {
        "name": params["Name"],
        "id": tx.ids.upper(20),
        "metadata": _checked_metadata(params["SAMLMetadataDocument"]),
        "created_ms": tx.now_ms,
        "tags": rules.checked_tags(params.get("Tags")),
    }
    arn = _arn(call, provider)
    SAML.add(tx, call.account, arn, provider)
    result: dict[str, Any] = {"SAMLProviderArn": arn}
    if provider["tags"]:
        result["Tags"] = tags.to_list(provider["tags"])
    return result


@named("GetSAMLProvider")
@reads
def get_saml_provider(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    provider = SAML.get(tx, call.account, params["SAMLProviderArn"])
    return {
        "SAMLProviderUUID": provider["id"],
        "SAMLMetadataDocument": provider["metadata"],
        **_dates(provider),
        "Tags": tags.to_list(provider["tags"]),
    }


@named("ListSAMLProviders")
@reads
def list_saml_providers(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"SAMLProviderList": [{"Arn": _arn(call, one), **_dates(one)} for one in SAML.every(tx, call.account)]}


@named("UpdateSAMLProvider")
def update_saml_provider(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    _refuse_encryption(call, params)
    arn = params["SAMLProviderArn"]
    provider = SAML.get(tx, call.account, arn)
    metadata = _checked_metadata(params.get("SAMLMetadataDocument", provider["metadata"]))
    SAML.put(tx, call.account, arn, {**provider, "metadata": metadata})
    return {"SAMLProviderArn": arn}


@named("DeleteSAMLProvider")
def delete_saml_provider(call: Call, tx: Tx, params: Params) -> None:
    SAML.remove(tx, call.account, params["SAMLProviderArn"])


def _refuse_encryption(call: Call, params: Params) -> None:
    """Encrypted assertions are not built."""
    if {"AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey"} & params.keys():
        raise not_implemented("iam", f"{call.operation} with encrypted assertions")


def _checked_metadata(text: str) -> str:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise errors.invalid_input("Could not parse metadata")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise errors.invalid_input("Could not parse metadata") from error
    return text


def _arn(call: Call, provider: Thing) -> str:
    return arns.arn("iam", "", call.account, f"saml-provider/{provider['name']}")


def _dates(provider: Thing) -> dict[str, int]:
    created = shapes.seconds(provider["created_ms"])
    return {"CreateDate": created, "ValidUntil": created + _VALID_YEARS_MS // 1000}
