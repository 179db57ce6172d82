"""Server certificates.  AWS: IAM API reference, UploadServerCertificate and neighbours."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core import tags
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import certificates, listing, rules, shapes
from tule.services.iam.holdings import Thing
from tule.services.iam.server_certificates import SHELF
from tule.store.store import Tx


def upload_server_certificate(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    parsed = certificates.parsed(params["CertificateBody"])
    certificates.check_pair(parsed, params["PrivateKey"])
    if "CertificateChain" in params:
        certificates.check_chain(params["CertificateChain"])
    certificate: Thing = {
        "name": params["ServerCertificateName"],
        "path": params.get("Path", "/"),
        "id": tx.ids.unique_id("ASCA"),
        "body": params["CertificateBody"],
        "private_key": params["PrivateKey"],
        "chain": params.get("CertificateChain", ""),
        "created_ms": tx.now_ms,
        "expires_ms": int(parsed.not_valid_after_utc.timestamp() * 1000),
        "tags": rules.checked_tags(params.get("Tags")),
    }
    SHELF.add(tx, call.account, certificate["name"].lower(), certificate)
    result: dict[str, Any] = {"ServerCertificateMetadata": _metadata(call, certificate)}
    if certificate["tags"]:
        result["Tags"] = tags.to_list(certificate["tags"])
    return result


@reads
def get_server_certificate(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    certificate = SHELF.get(tx, call.account, params["ServerCertificateName"].lower())
    shape = {"ServerCertificateMetadata": _metadata(call, certificate), "CertificateBody": certificate["body"]}
    if certificate["chain"]:
        shape["CertificateChain"] = certificate["chain"]
    if certificate["tags"]:
        shape["Tags"] = tags.to_list(certificate["tags"])
    return {"ServerCertificate": shape}


@reads
def list_server_certificates(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    found = [one for one in SHELF.every(tx, call.account) if one["path"].startswith(prefix)]

    def show(certificate: Thing) -> dict[str, Any]:
        return _metadata(call, certificate)

    return listing.page(call, params, "ServerCertificateMetadataList", found, lambda one: one["name"].lower(), show)


def update_server_certificate(call: Call, tx: Tx, params: Params) -> None:
    old_key = params["ServerCertificateName"].lower()
    certificate = SHELF.get(tx, call.account, old_key)
    certificate["path"] = params.get("NewPath", certificate["path"])
    certificate["name"] = params.get("NewServerCertificateName", certificate["name"])
    SHELF.remove(tx, call.account, old_key)
    SHELF.add(tx, call.account, certificate["name"].lower(), certificate)


def delete_server_certificate(call: Call, tx: Tx, params: Params) -> None:
    SHELF.remove(tx, call.account, params["ServerCertificateName"].lower())


def _metadata(call: Call, certificate: Thing) -> dict[str, Any]:
    return {
        "Path": certificate["path"],
        "ServerCertificateName": certificate["name"],
        "ServerCertificateId": certificate["id"],
        "Arn": arns.arn("iam", "", call.account, f"server-certificate{certificate['path']}{certificate['name']}"),
        "UploadDate": shapes.seconds(certificate["created_ms"]),
        "Expiration": shapes.seconds(certificate["expires_ms"]),
    }
