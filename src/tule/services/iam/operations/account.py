"""The account as a whole.  AWS: IAM API reference, account aliases, GetAccountSummary, password policy, SetSecurityTokenServicePreferences."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import (
    account,
    errors,
    instance_profiles,
    listing,
    mfa_devices,
    passwords,
    policies,
    providers,
    rules,
    server_certificates,
    state,
)
from tule.services.iam.state import GROUP, ROLE, USER
from tule.store.store import Tx


def create_account_alias(call: Call, tx: Tx, params: Params) -> None:
    """An account has one alias, unique among all accounts; a second one replaces the first."""
    alias = params["AccountAlias"]
    if account.owner_of_alias(tx, alias) is not None:
        raise errors.already_exists(f"The account alias {alias} already exists.")
    account.put(tx, call.account, {**account.get(tx, call.account), "alias": alias})


@reads
def list_account_aliases(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    alias = account.get(tx, call.account).get("alias")
    return listing.page(call, params, "AccountAliases", [alias] if alias else [], str, str)


def delete_account_alias(call: Call, tx: Tx, params: Params) -> None:
    settings = account.get(tx, call.account)
    if settings.get("alias") != params["AccountAlias"]:
        raise errors.no_such_entity(f"The account alias {params['AccountAlias']} cannot be found.")
    del settings["alias"]
    account.put(tx, call.account, settings)


def update_account_password_policy(call: Call, tx: Tx, params: Params) -> None:
    """Replaces the whole policy: what is not named goes back to its default."""
    policy = {**passwords.DEFAULT_POLICY, **params}
    account.put(tx, call.account, {**account.get(tx, call.account), "password_policy": policy})


@reads
def get_account_password_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    policy = account.password_policy(tx, call.account)
    if policy is None:
        raise _no_password_policy(call)
    return {"PasswordPolicy": {**policy, "ExpirePasswords": policy.get("MaxPasswordAge", 0) > 0}}


def delete_account_password_policy(call: Call, tx: Tx, params: Params) -> None:
    settings = account.get(tx, call.account)
    if "password_policy" not in settings:
        raise _no_password_policy(call)
    del settings["password_policy"]
    account.put(tx, call.account, settings)


def set_security_token_service_preferences(call: Call, tx: Tx, params: Params) -> None:
    version = int(params["GlobalEndpointTokenVersion"].removeprefix("v").removesuffix("Token"))
    account.put(tx, call.account, {**account.get(tx, call.account), "token_version": version})


@reads
def get_account_summary(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"SummaryMap": {**_counts(call, tx), **_QUOTAS}}


_QUOTAS = {
    "AccessKeysPerUserQuota": rules.MAX_ACCESS_KEYS,
    "AssumeRolePolicySizeQuota": rules.MAX_TRUST_CHARS,
    "AttachedPoliciesPerGroupQuota": rules.MAX_ATTACHED["group"],
    "AttachedPoliciesPerRoleQuota": rules.MAX_ATTACHED["role"],
    "AttachedPoliciesPerUserQuota": rules.MAX_ATTACHED["user"],
    "GroupPolicySizeQuota": rules.MAX_INLINE_CHARS["group"],
    "GroupsPerUserQuota": rules.MAX_GROUPS_PER_USER,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": rules.MAX_POLICY_CHARS,
    "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": rules.MAX_INLINE_CHARS["role"],
    "RolesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": rules.MAX_INLINE_CHARS["user"],
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": rules.MAX_VERSIONS,
}


def _counts(call: Call, tx: Tx) -> dict[str, int]:
    owned = policies.of_account(tx, call.account)
    devices = mfa_devices.every(tx, call.account)
    return {
        "AccountAccessKeysPresent": int(bool(state.keys_of(tx, call.account, call.account))),
        "AccountMFAEnabled": int(any(device.get("user") == call.account for device in devices)),
        "AccountPasswordPresent": 1,
        "AccountSigningCertificatesPresent": 0,
        "GlobalEndpointTokenVersion": account.get(tx, call.account).get("token_version", 1),
        "Groups": len(state.entities(tx, GROUP, call.account)),
        "InstanceProfiles": len(instance_profiles.every(tx, call.account)),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum(1 for device in devices if device.get("user")),
        "Policies": len(owned),
        "PolicyVersionsInUse": sum(len(policy["versions"]) for policy in owned),
        "Providers": len(providers.OIDC.every(tx, call.account)) + len(providers.SAML.every(tx, call.account)),
        "Roles": len(state.entities(tx, ROLE, call.account)),
        "ServerCertificates": len(server_certificates.every(tx, call.account)),
        "Users": len(state.entities(tx, USER, call.account)),
    }


def _no_password_policy(call: Call) -> Exception:
    return errors.no_such_entity(f"The Password Policy with domain name {call.account} cannot be found.")
