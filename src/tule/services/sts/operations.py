"""STS's operations.  AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html"""

from __future__ import annotations

from typing import Any

from tule.access.access_keys import account_of
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.sts import assume, errors, session_limits, tokens, web_identity
from tule.store.store import Tx


async def get_caller_identity(call: Call, params: Params) -> dict[str, Any]:
    """Needs no permission, and reads nothing: a coroutine, so that no transaction is opened."""
    principal = call.principal
    return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}


async def get_access_key_info(call: Call, params: Params) -> dict[str, Any]:
    """The account is in the key itself."""
    account = account_of(params["AccessKeyId"])
    if account is None:
        raise errors.validation_error("Access key identifier is not valid.")
    return {"Account": account}


@reads
def assume_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return assume.by_trust(call, tx, params)


async def assume_role_with_web_identity(call: Call, params: Params) -> dict[str, Any]:
    return await web_identity.assume_role(call, params)


@reads
def get_session_token(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    mfa = assume.checked_mfa(call, tx, params)
    key = call.node.identities.issue(tx.ids, tokens.own_session(call, mfa=mfa), tokens.expires_ms(call, params))
    return {"Credentials": assume.credentials(key)}


@reads
def get_federation_token(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    limits = session_limits.of_request(call, tx, params, call.account)
    key = call.node.identities.issue(tx.ids, tokens.federated_session(call, params["Name"], limits), tokens.expires_ms(call, params))
    result = {
        "Credentials": assume.credentials(key),
        "FederatedUser": {"FederatedUserId": key.principal.user_id, "Arn": key.principal.arn},
    }
    return result if limits.packed_percent is None else {**result, "PackedPolicySize": limits.packed_percent}
