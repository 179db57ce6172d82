"""SSH public keys of users (for CodeCommit).  AWS: IAM API reference, UploadSSHPublicKey and neighbours."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key, load_ssh_public_key

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.iam import errors, listing, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.credentials import SSH_KEYS
from tule.services.iam.holdings import Thing
from tule.services.iam.state import USER, Entity
from tule.store.store import Tx

_MAX_PER_USER = 5


@named("UploadSSHPublicKey")
def upload_ssh_public_key(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = _user(call, tx, params)
    body = _as_ssh(params["SSHPublicKeyBody"])
    mine = SSH_KEYS.of_user(tx, call.account, user["id"])
    if any(one["body"] == body for one in mine):
        raise ServiceError("DuplicateSSHPublicKey", "The SSH public key already exists for this user.", 400)
    if len(mine) >= _MAX_PER_USER:
        raise errors.quota_exceeded("SSHPublicKeysPerUser", _MAX_PER_USER)
    key: Thing = {"id": tx.ids.unique_id("APKA"), "user": user["id"], "body": body, "status": "Active", "created_ms": tx.now_ms}
    SSH_KEYS.add(tx, call.account, key["id"], key)
    return {"SSHPublicKey": _shape(user, key, body)}


@named("GetSSHPublicKey")
@reads
def get_ssh_public_key(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    key = _get(call, tx, params)
    body = _as_pem(key["body"]) if params["Encoding"] == "PEM" else key["body"]
    return {"SSHPublicKey": _shape(_user(call, tx, params), key, body)}


@named("ListSSHPublicKeys")
@reads
def list_ssh_public_keys(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = _user(call, tx, params)
    mine = SSH_KEYS.of_user(tx, call.account, user["id"])
    return listing.numbered(call, params, "SSHPublicKeys", mine, lambda key: _metadata(user, key))


@named("UpdateSSHPublicKey")
def update_ssh_public_key(call: Call, tx: Tx, params: Params) -> None:
    key = _get(call, tx, params)
    SSH_KEYS.put(tx, call.account, key["id"], {**key, "status": params["Status"]})


@named("DeleteSSHPublicKey")
def delete_ssh_public_key(call: Call, tx: Tx, params: Params) -> None:
    SSH_KEYS.remove(tx, call.account, _get(call, tx, params)["id"])


def _get(call: Call, tx: Tx, params: Params) -> Thing:
    key = SSH_KEYS.get(tx, call.account, params["SSHPublicKeyId"])
    if key["user"] != _user(call, tx, params)["id"]:
        raise SSH_KEYS.missing(params["SSHPublicKeyId"])
    return key


def _user(call: Call, tx: Tx, params: Params) -> Entity:
    return state.get(tx, USER, call.account, named_or_calling_user(call, params))


def _as_ssh(text: str) -> str:
    """The key in OpenSSH form, given in that or as PEM.  Raises InvalidPublicKey."""
    raw = text.strip().encode()
    try:
        key = load_pem_public_key(raw) if raw.startswith(b"-----") else load_ssh_public_key(raw)
    except ValueError as error:
        raise ServiceError("InvalidPublicKey", "The public key is malformed or otherwise invalid.", 400) from error
    if not isinstance(key, RSAPublicKey):
        raise ServiceError("InvalidPublicKey", "The public key must be an RSA key.", 400)
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _as_pem(ssh: str) -> str:
    return load_ssh_public_key(ssh.encode()).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _metadata(user: Entity, key: Thing) -> dict[str, Any]:
    return {
        "UserName": user["name"],
        "SSHPublicKeyId": key["id"],
        "Status": key["status"],
        "UploadDate": shapes.seconds(key["created_ms"]),
    }


def _shape(user: Entity, key: Thing, body: str) -> dict[str, Any]:
    der = load_ssh_public_key(key["body"].encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = hashlib.md5(der, usedforsecurity=False).hexdigest()
    pairs = ":".join(fingerprint[i : i + 2] for i in range(0, len(fingerprint), 2))
    return {**_metadata(user, key), "Fingerprint": pairs, "SSHPublicKeyBody": body}
