"""X.509 signing certificates of users.  AWS: IAM API reference, UploadSigningCertificate and neighbours."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import certificates, errors, listing, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.credentials import SIGNING_CERTIFICATES
from tule.services.iam.holdings import Thing
from tule.services.iam.state import USER, Entity
from tule.store.store import Tx

_MAX_PER_USER = 2


def upload_signing_certificate(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = _user(call, tx, params)
    certificates.parsed(params["CertificateBody"])
    mine = SIGNING_CERTIFICATES.of_user(tx, call.account, user["id"])
    if any(one["body"] == params["CertificateBody"] for one in mine):
        raise ServiceError("DuplicateCertificate", "The certificate already exists for this user.", 409)
    if len(mine) >= _MAX_PER_USER:
        raise errors.quota_exceeded("CertificatesPerUser", _MAX_PER_USER)
    certificate: Thing = {
        "id": tx.ids.upper(24),
        "user": user["id"],
        "body": params["CertificateBody"],
        "status": "Active",
        "created_ms": tx.now_ms,
    }
    SIGNING_CERTIFICATES.add(tx, call.account, certificate["id"], certificate)
    return {"Certificate": _shape(user, certificate)}


@reads
def list_signing_certificates(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = _user(call, tx, params)
    mine = SIGNING_CERTIFICATES.of_user(tx, call.account, user["id"])
    return listing.numbered(call, params, "Certificates", mine, lambda one: _shape(user, one))


def update_signing_certificate(call: Call, tx: Tx, params: Params) -> None:
    certificate = _get(call, tx, params)
    SIGNING_CERTIFICATES.put(tx, call.account, certificate["id"], {**certificate, "status": params["Status"]})


def delete_signing_certificate(call: Call, tx: Tx, params: Params) -> None:
    SIGNING_CERTIFICATES.remove(tx, call.account, _get(call, tx, params)["id"])


def _get(call: Call, tx: Tx, params: Params) -> Thing:
    certificate = SIGNING_CERTIFICATES.get(tx, call.account, params["CertificateId"])
    if certificate["user"] != _user(call, tx, params)["id"]:
        raise SIGNING_CERTIFICATES.missing(params["CertificateId"])
    return certificate


def _user(call: Call, tx: Tx, params: Params) -> Entity:
    return state.get(tx, USER, call.account, named_or_calling_user(call, params))


def _shape(user: Entity, certificate: Thing) -> dict[str, Any]:
    return {
        "UserName": user["name"],
        "CertificateId": certificate["id"],
        "CertificateBody": certificate["body"],
        "Status": certificate["status"],
        "UploadDate": shapes.seconds(certificate["created_ms"]),
    }
