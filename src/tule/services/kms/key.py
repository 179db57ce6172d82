"""A key as calls see it: its document, its material unsealed, its policy and grants, worked out once and then shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.services.kms import ciphertext, errors, names, policies, specs
from tule.services.kms.state import Document, MaterialRow

_WORDS = {"PendingDeletion": "pending deletion", "PendingReplicaDeletion": "pending replica deletion", "PendingImport": "pending import"}


class Material:
    """One piece of key material: raw bytes of symmetric keys, PKCS #8 of asymmetric ones."""

    def __init__(self, row: MaterialRow, key_id: str, secret: bytes) -> None:
        self.id = row.id
        self.number = row.number
        self.body = row.body
        self.secret = secret
        self.header = ciphertext.header_of(key_id, row.id)
        self.loaded: Any = None  # the private key, once something has needed it


class UnknownMaterial(ServiceError):
    """A blob names material that the key does not have, or not yet as far as this node knows."""

    def __init__(self) -> None:
        refusal = errors.invalid_ciphertext()
        super().__init__(refusal.code, refusal.message, fields=refusal.fields)


class Key:
    def __init__(self, account: str, region: str, document: Document, materials: Sequence[Material], grants: Sequence[Document]) -> None:
        self.account = account
        self.region = region
        self.document = document
        self.id: str = document["id"]
        self.arn = names.key_arn(account, region, self.id)
        self.spec: str = document["spec"]
        self.usage: str = document["usage"]
        self.state: str = document["state"]
        self.materials = materials
        current = document.get("material")
        self.current = next((material for material in materials if material.id == current), None)
        self._by_name = {material.id[: ciphertext.MATERIAL_DIGITS]: material for material in materials}
        self.grants: dict[str, list[Document]] = {}
        for grant in grants:
            self.grants.setdefault(grant["grantee"], []).append(grant)

    @cached_property
    def policy(self) -> dict[str, Any]:
        return orjson.loads(self.document["policy"])

    @cached_property
    def is_open_to_root(self) -> bool:
        """Whether its policy is the default one, and so forbids the account's root nothing."""
        return self.document["policy"] == policies.default(self.account, self.region)

    @property
    def algorithms(self) -> Sequence[str]:
        return specs.SPECS[self.spec][self.usage]

    def material(self) -> Material:
        """The current material, of a key that may be used.  Raises DisabledException, KMSInvalidStateException."""
        if self.state != "Enabled":
            self.check_enabled()
        if self.current is None:
            raise errors.invalid_state(self.arn, "pending import")
        return self.current

    def material_of(self, sealed: ciphertext.Sealed) -> Material:
        """The material under which a blob was encrypted.  Raises as `material` does, and InvalidCiphertextException."""
        if self.state != "Enabled":
            self.check_enabled()
        material = self._by_name.get(sealed.material)
        if material is None:
            raise UnknownMaterial
        if not material.secret:
            raise errors.invalid_state(self.arn, "pending import")
        return material

    def check_enabled(self) -> None:
        if self.state == "Disabled":
            raise errors.disabled(self.arn)
        if self.state != "Enabled":
            raise errors.invalid_state(self.arn, _WORDS.get(self.state, self.state))

    def check_usage(self, usage: str, operation: str) -> None:
        if self.usage != usage:
            raise errors.wrong_usage(self.arn, self.usage, operation)

    def check_algorithm(self, algorithm: str) -> None:
        if algorithm not in self.algorithms:
            raise errors.wrong_algorithm(algorithm, self.spec)


def metadata(account: str, region: str, document: Document) -> dict[str, Any]:
    """KeyMetadata.  AWS: KMS API reference, KeyMetadata."""
    spec, usage, state = document["spec"], document["usage"], document["state"]
    shown: dict[str, Any] = {
        "AWSAccountId": account,
        "KeyId": document["id"],
        "Arn": names.key_arn(account, region, document["id"]),
        "CreationDate": document["created_ms"] / 1000,
        "Enabled": state == "Enabled",
        "Description": document["description"],
        "KeyUsage": usage,
        "KeyState": state,
        "Origin": document["origin"],
        "KeyManager": document["manager"],
        "CustomerMasterKeySpec": spec,
        "KeySpec": spec,
        specs.ALGORITHMS_MEMBER[usage]: list(specs.SPECS[spec][usage]),
        "MultiRegion": bool(document.get("primary")),
    }
    if spec == specs.SYMMETRIC and document.get("material") and (document["origin"] == "AWS_KMS" or document.get("imported")):
        shown["CurrentKeyMaterialId"] = document["material"]
    if document["origin"] == "EXTERNAL" and document.get("imported"):
        expires_ms = document.get("expires_ms")
        shown["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if expires_ms else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if expires_ms:
            shown["ValidTo"] = expires_ms / 1000
    if state == "PendingDeletion" and document.get("deletion_ms"):
        shown["DeletionDate"] = document["deletion_ms"] / 1000
    if state == "PendingReplicaDeletion":
        shown["PendingDeletionWindowInDays"] = document["window_days"]
    if document.get("primary"):
        shown["MultiRegionConfiguration"] = _multi_region(account, region, document)
    return shown


def _multi_region(account: str, region: str, document: Document) -> Mapping[str, Any]:
    def named(where: str) -> dict[str, str]:
        return {"Arn": names.key_arn(account, where, document["id"]), "Region": where}

    return {
        "MultiRegionKeyType": "PRIMARY" if document["primary"] == region else "REPLICA",
        "PrimaryKey": named(document["primary"]),
        "ReplicaKeys": [named(replica) for replica in document["replicas"]],
    }
