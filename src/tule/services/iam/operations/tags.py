"""Tags on everything that takes them.  AWS: IAM API reference, Tag*, Untag*, List*Tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.core import tags as core_tags
from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import instance_profiles, listing, mfa_devices, policies, providers, rules, server_certificates, state
from tule.services.iam.operations.roles import modifiable
from tule.services.iam.state import ROLE, USER
from tule.store.store import Tx

Tagged = dict[str, Any]
Keep = Callable[[Tagged], None]


def tag_user(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_user(call, tx, params))


def untag_user(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_user(call, tx, params))


@reads
def list_user_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _user(call, tx, params)[0])


def tag_role(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_role(call, tx, params))


def untag_role(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_role(call, tx, params))


@reads
def list_role_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, state.get(tx, ROLE, call.account, params["RoleName"]))


def tag_policy(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_policy(call, tx, params))


def untag_policy(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_policy(call, tx, params))


@reads
def list_policy_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, policies.get(tx, call.account, params["PolicyArn"]))


def tag_instance_profile(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_instance_profile(call, tx, params))


def untag_instance_profile(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_instance_profile(call, tx, params))


@reads
def list_instance_profile_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _instance_profile(call, tx, params)[0])


@named("TagMFADevice")
def tag_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_mfa_device(call, tx, params))


@named("UntagMFADevice")
def untag_mfa_device(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_mfa_device(call, tx, params))


@named("ListMFADeviceTags")
@reads
def list_mfa_device_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _mfa_device(call, tx, params)[0])


@named("TagOpenIDConnectProvider")
def tag_oidc_provider(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_oidc_provider(call, tx, params))


@named("UntagOpenIDConnectProvider")
def untag_oidc_provider(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_oidc_provider(call, tx, params))


@named("ListOpenIDConnectProviderTags")
@reads
def list_oidc_provider_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _oidc_provider(call, tx, params)[0])


@named("TagSAMLProvider")
def tag_saml_provider(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_saml_provider(call, tx, params))


@named("UntagSAMLProvider")
def untag_saml_provider(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_saml_provider(call, tx, params))


@named("ListSAMLProviderTags")
@reads
def list_saml_provider_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _saml_provider(call, tx, params)[0])


def tag_server_certificate(call: Call, tx: Tx, params: Params) -> None:
    _tag(params, *_server_certificate(call, tx, params))


def untag_server_certificate(call: Call, tx: Tx, params: Params) -> None:
    _untag(params, *_server_certificate(call, tx, params))


@reads
def list_server_certificate_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, params, _server_certificate(call, tx, params)[0])


def _tag(params: Params, thing: Tagged, keep: Keep) -> None:
    keep({**thing, "tags": rules.checked_tags(params["Tags"], thing.get("tags", {}))})


def _untag(params: Params, thing: Tagged, keep: Keep) -> None:
    keep({**thing, "tags": rules.without_tags(thing.get("tags", {}), params["TagKeys"])})


def _list(call: Call, params: Params, thing: Tagged) -> dict[str, Any]:
    shown = core_tags.to_list(dict(sorted(thing.get("tags", {}).items())))
    return listing.page(call, params, "Tags", shown, lambda tag: tag["Key"], lambda tag: tag)


def _user(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    return state.get(tx, USER, call.account, params["UserName"]), lambda user: state.put(tx, USER, call.account, user)


def _role(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    return modifiable(tx, call.account, params["RoleName"]), lambda role: state.put(tx, ROLE, call.account, role)


def _policy(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    policy = policies.changeable(tx, call.account, params["PolicyArn"])
    return policy, lambda changed: policies.put(tx, call.account, changed)


def _instance_profile(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    profile = instance_profiles.get(tx, call.account, params["InstanceProfileName"])
    return profile, lambda changed: instance_profiles.put(tx, call.account, changed)


def _mfa_device(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    serial = params["SerialNumber"]
    device = mfa_devices.SHELF.get(tx, call.account, serial)
    return device, lambda changed: mfa_devices.SHELF.put(tx, call.account, serial, changed)


def _oidc_provider(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    arn = params["OpenIDConnectProviderArn"]
    provider = providers.OIDC.get(tx, call.account, arn)
    return provider, lambda changed: providers.OIDC.put(tx, call.account, arn, changed)


def _saml_provider(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    arn = params["SAMLProviderArn"]
    provider = providers.SAML.get(tx, call.account, arn)
    return provider, lambda changed: providers.SAML.put(tx, call.account, arn, changed)


def _server_certificate(call: Call, tx: Tx, params: Params) -> tuple[Tagged, Keep]:
    key = params["ServerCertificateName"].lower()
    certificate = server_certificates.SHELF.get(tx, call.account, key)
    return certificate, lambda changed: server_certificates.SHELF.put(tx, call.account, key, changed)
