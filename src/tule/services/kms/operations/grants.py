"""CreateGrant, ListGrants, ListRetirableGrants, RevokeGrant, RetireGrant.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.core.errors import validation
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, errors, grants, listing, names, state
from tule.services.kms.names import Ref
from tule.services.kms.retiring import retired
from tule.services.kms.state import Document
from tule.store.store import Tx

_MAX_GRANTS = 50_000
_KEPT = ("Name", "GranteePrincipal", "RetiringPrincipal", "GranteeServicePrincipal", "RetiringServicePrincipal", "Operations", "Constraints")


def create_grant(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, document = changing.usable(call, tx, params["KeyId"])
    _check(ref, document, params)
    held = state.grants(tx, ref.account, ref.region, ref.id)
    wanted = {name: params[name] for name in _KEPT if name in params}
    same = next((grant for grant in held if "Name" in wanted and {name: grant[name] for name in _KEPT if name in grant} == wanted), None)
    if same is None and len(held) >= _MAX_GRANTS:
        raise errors.limit_exceeded(f"{names.arn_of(ref)} has the maximum number of grants.")
    if params.get("DryRun"):
        raise errors.dry_run()
    grant = same or _put(call, tx, ref, wanted)
    return {"GrantId": grant["id"], "GrantToken": grants.token(call.node, ref, grant["id"])}


def _put(call: Call, tx: Tx, ref: Ref, wanted: Params) -> Document:
    grant: Document = {
        **wanted,
        "id": tx.ids.hex(64),
        "key_id": ref.id,
        "grantee": wanted.get("GranteePrincipal") or wanted.get("GranteeServicePrincipal", ""),
        "retiring": wanted.get("RetiringPrincipal") or wanted.get("RetiringServicePrincipal", ""),
        "created_ms": tx.now_ms,
        "issuer": f"arn:aws:iam::{call.principal.account}:root",
    }
    state.put_grant(tx, ref.account, ref.region, grant)
    return grant


def _check(ref: Ref, document: Document, params: Params) -> None:
    """Raises ValidationException, InvalidArnException."""
    if ("GranteePrincipal" in params) == ("GranteeServicePrincipal" in params):
        raise validation("You must specify either GranteePrincipal or GranteeServicePrincipal.")
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        if member in params and not grants.is_principal(params[member]):
            raise errors.invalid_arn(params[member])
    constraints = params.get("Constraints") or {}
    if "EncryptionContextEquals" in constraints and "EncryptionContextSubset" in constraints:
        raise validation("Only one of EncryptionContextEquals and EncryptionContextSubset can be specified.")
    possible = grants.operations_of(document["spec"], document["usage"])
    for operation in params["Operations"]:
        if operation not in possible:
            raise validation(f"Operation {operation} is not valid for grants on {names.arn_of(ref)} with key usage {document['usage']}.")


@reads
def list_grants(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, _ = changing.held(call, tx, params["KeyId"])
    after = listing.after(call, params)
    rows = [grant for grant in state.grants(tx, ref.account, ref.region, ref.id) if grant["id"] > after and _is_asked(grant, params)]
    return listing.answer(call, params, "Grants", rows, lambda grant: grant["id"], lambda grant: _shown(ref.account, ref.region, grant))


def _is_asked(grant: Document, params: Params) -> bool:
    grantee = params.get("GranteePrincipal") or params.get("GranteeServicePrincipal")
    return params.get("GrantId") in (None, grant["id"]) and grantee in (None, grant["grantee"])


@reads
def list_retirable_grants(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    principal = params.get("RetiringPrincipal") or params.get("RetiringServicePrincipal")
    if principal is None:
        raise errors.missing("retiringPrincipal")
    after = listing.after(call, params)
    rows = state.retirable(tx, call.account, call.region, principal, after, listing.limit(params) + 1)
    return listing.answer(call, params, "Grants", rows, lambda grant: grant["id"], lambda grant: _shown(call.account, call.region, grant))


def _shown(account: str, region: str, grant: Document) -> dict[str, Any]:
    return {
        "KeyId": names.key_arn(account, region, grant["key_id"]),
        "GrantId": grant["id"],
        "Name": grant.get("Name", ""),
        "CreationDate": grant["created_ms"] / 1000,
        "IssuingAccount": grant["issuer"],
        **{name: grant[name] for name in _KEPT if name in grant},
    }


def revoke_grant(call: Call, tx: Tx, params: Params) -> None:
    ref, _ = changing.held(call, tx, params["KeyId"])
    _drop(tx, ref, params["GrantId"], params)


def retire_grant(call: Call, tx: Tx, params: Params) -> None:
    ref, id = retired(call, params)
    if state.key(tx, *ref) is None:
        raise errors.no_key(names.arn_of(ref))
    _drop(tx, ref, id, params)


def _drop(tx: Tx, ref: Ref, id: str, params: Params) -> None:
    if params.get("DryRun"):
        if all(grant["id"] != id for grant in state.grants(tx, ref.account, ref.region, ref.id)):
            raise errors.no_grant(id)
        raise errors.dry_run()
    if not state.drop_grant(tx, ref.account, ref.region, ref.id, id):
        raise errors.no_grant(id)
