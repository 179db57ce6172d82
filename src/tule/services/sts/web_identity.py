"""AssumeRoleWithWebIdentity: a signed token of an OpenID Connect provider, exchanged for a role's session.

The provider must be one of the role's account; its keys are fetched from the issuer (`/.well-known/openid-configuration`,
then `jwks_uri`) and kept for a while.  Then the role's trust policy decides, with the token's claims as condition keys.
AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tule.access.identities import OidcProvider, Role
from tule.access.principal import Principal
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Need, Params
from tule.services.sts import assume, errors, jwks, session_limits
from tule.services.sts.jwt import Token, parse
from tule.store.store import Tx


async def assume_role(call: Call, params: Params) -> dict[str, Any]:
    token = parse(params["WebIdentityToken"])
    role, provider = await call.node.store.read(lambda tx: _role_and_provider(call, tx, params["RoleArn"], token))
    _check_claims(call, token, provider)
    if not token.signed_by(await jwks.of_issuer(call.node, token.issuer)):
        raise errors.invalid_identity_token("Token signature invalid")
    await _check_trust(call, params, role, provider, token)
    return await call.node.store.read(lambda tx: _session(call, tx, params, role, provider, token))


def _role_and_provider(call: Call, tx: Tx, role_arn: str, token: Token) -> tuple[Role, OidcProvider]:
    role = call.node.identities.role(tx, role_arn)
    if role is None:
        raise _not_authorized()
    provider = call.node.identities.oidc_provider(tx, role.account, token.issuer)
    if provider is None:
        raise errors.invalid_identity_token(f"No OpenIDConnect provider found in your account for {token.issuer}")
    return role, provider


def _check_claims(call: Call, token: Token, provider: OidcProvider) -> None:
    expires_ms = int(token.claims.get("exp", 0) * 1000)
    if expires_ms <= call.now_ms:
        raise errors.expired_token(
            f"Token expired: current date/time {call.now_ms // 1000} must be before the expiration date/time {expires_ms // 1000}"
        )
    if not set(token.audiences) & set(provider.clients):
        raise errors.invalid_identity_token("Incorrect token audience")


async def _check_trust(call: Call, params: Params, role: Role, provider: OidcProvider, token: Token) -> None:
    context = {f"{provider.arn.partition('oidc-provider/')[2]}:{name}": value for name, value in _condition_claims(token).items()}
    context["sts:RoleSessionName"] = params["RoleSessionName"]
    caller = Principal("service", role.account, provider.arn, user_id=token.subject, context={"federated_provider": provider.arn})
    need = Need("sts:AssumeRoleWithWebIdentity", role.arn, context, policy=role.trust, owner=role.account, policy_decides=True)
    decision = await call.node.authorizer.decide(dataclasses.replace(call, principal=caller, account=role.account), need)
    if not decision.allowed:
        raise _not_authorized()


def _condition_claims(token: Token) -> dict[str, Any]:
    """The claims that trust policies may ask for.  AWS: "Available keys for AWS OIDC federation"."""
    claims: dict[str, Any] = {"aud": token.claims.get("azp") or list(token.audiences), "sub": token.subject}
    for name in ("amr", "email", "oaud"):
        if name in token.claims:
            claims[name] = token.claims[name]
    if "azp" in token.claims:
        claims["oaud"] = list(token.audiences)
    return claims


def _session(call: Call, tx: Tx, params: Params, role: Role, provider: OidcProvider, token: Token) -> dict[str, Any]:
    limits = session_limits.of_request(call, tx, params, role.account)
    context = {"federated_provider": provider.arn}
    session = assume.session_of(call, role, params["RoleSessionName"], limits, context)
    expires_ms = call.now_ms + assume.duration_within(role, params) * 1000
    key = call.node.identities.issue(tx.ids, session, expires_ms)
    return {
        **assume.session_result(key, limits),
        "SubjectFromWebIdentityToken": token.subject,
        "Audience": token.audiences[0],
        "Provider": provider.arn,
    }


def _not_authorized() -> ServiceError:
    return errors.access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
