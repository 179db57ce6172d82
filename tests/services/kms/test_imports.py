"""Imported key material: wrapped, with an end, deleted, brought back, and taking turns."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.node import Account
from tests.services.kms.conftest import arn_of, new_key, refused, state_of

DAY_S = 86_400
FOR_EVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


def _wrapped(public_der: bytes, algorithm: str, material: bytes) -> bytes:
    public = serialization.load_der_public_key(public_der)
    assert isinstance(public, rsa.RSAPublicKey)
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    if not algorithm.startswith("RSA_AES"):
        return public.encrypt(material, oaep)
    key = os.urandom(32)
    return public.encrypt(key, oaep) + keywrap.aes_key_wrap_with_padding(key, material)


def _import(account: Account, key: str, material: bytes, algorithm: str = "RSAES_OAEP_SHA_256", **more: Any) -> str:
    """The id of the material."""
    given = account.kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    wrapped = _wrapped(given["PublicKey"], algorithm, material)
    answer = account.kms.import_key_material(KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=wrapped, **(FOR_EVER | more))
    return answer.get("KeyMaterialId", "")


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"])
def test_a_key_waits_for_its_material(aws: Account, algorithm: str) -> None:
    key = new_key(aws, Origin="EXTERNAL")
    assert state_of(aws, key) == "PendingImport"
    with refused("KMSInvalidStateException", f"{arn_of(aws, key)} is pending import."):
        aws.kms.encrypt(KeyId=key, Plaintext=b"x")
    _import(aws, key, os.urandom(32), algorithm)
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert aws.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_deleted_material_comes_back_only_as_it_was(aws: Account) -> None:
    key, material = new_key(aws, Origin="EXTERNAL"), os.urandom(32)
    id = _import(aws, key, material)
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    aws.kms.delete_imported_key_material(KeyId=key)
    assert state_of(aws, key) == "PendingImport"
    with refused("IncorrectKeyMaterialException"):
        _import(aws, key, os.urandom(32))
    assert _import(aws, key, material) == id
    assert aws.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_expires(turned: Account) -> None:
    key, material = new_key(turned, Origin="EXTERNAL"), os.urandom(32)
    now = turned.kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"].astimezone(UTC)
    with refused("ValidationException", "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"):
        _import(turned, key, material, ExpirationModel="KEY_MATERIAL_EXPIRES")
    _import(turned, key, material, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=now + timedelta(days=2))
    assert turned.kms.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    turned.node.advance(1.9 * DAY_S)
    assert state_of(turned, key) == "Enabled"
    turned.node.advance(0.2 * DAY_S)
    assert state_of(turned, key) == "PendingImport"
    _import(turned, key, material)
    assert state_of(turned, key) == "Enabled"


def test_new_material_takes_its_turn_when_the_key_is_rotated(aws: Account) -> None:
    key = new_key(aws, Origin="EXTERNAL")
    first = _import(aws, key, b"1" * 32)
    old = aws.kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    with refused("KMSInvalidStateException", "No available key material pending rotation"):
        aws.kms.rotate_key_on_demand(KeyId=key)
    second = _import(aws, key, b"2" * 32, ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="the second")
    assert aws.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == first
    aws.kms.rotate_key_on_demand(KeyId=key)
    assert aws.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == second
    assert aws.kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    shown = aws.kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(each["KeyMaterialState"], each["ImportState"], each.get("KeyMaterialDescription")) for each in shown] == [
        ("NON_CURRENT", "IMPORTED", None),
        ("CURRENT", "IMPORTED", "the second"),
    ]
    aws.kms.delete_imported_key_material(KeyId=key, KeyMaterialId=first)
    assert state_of(aws, key) == "PendingImport"


def test_a_token_is_for_one_key_and_for_a_day(turned: Account) -> None:
    key, other = new_key(turned, Origin="EXTERNAL"), new_key(turned, Origin="EXTERNAL")
    given = turned.kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    asked = {"ImportToken": given["ImportToken"], "EncryptedKeyMaterial": _wrapped(given["PublicKey"], "RSAES_OAEP_SHA_256", b"1" * 32), **FOR_EVER}
    with refused("InvalidImportTokenException"):
        turned.kms.import_key_material(KeyId=other, **asked)
    with refused("InvalidImportTokenException"):
        turned.kms.import_key_material(KeyId=key, **{**asked, "ImportToken": b"nonsense" * 10})
    turned.node.advance(DAY_S + 1)
    with refused("ExpiredImportTokenException"):
        turned.kms.import_key_material(KeyId=key, **asked)
    assert given["ParametersValidTo"] > datetime.fromtimestamp(0, UTC)


def test_material_must_be_of_the_keys_kind(aws: Account) -> None:
    with refused("IncorrectKeyMaterialException"):
        _import(aws, new_key(aws, Origin="EXTERNAL"), b"short")
    wrong = ec.generate_private_key(ec.SECP384R1())
    der = wrong.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = new_key(aws, Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("IncorrectKeyMaterialException"):
        _import(aws, key, der, "RSA_AES_KEY_WRAP_SHA_256")


def test_keys_with_material_of_kms_take_no_other(aws: Account, key: str) -> None:
    with refused("UnsupportedOperationException", f"{arn_of(aws, key)} origin is AWS_KMS which is not valid for this operation."):
        aws.kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")


def test_new_material_of_a_multi_region_key_waits_for_its_replicas(aws: Account) -> None:
    key = new_key(aws, Origin="EXTERNAL", MultiRegion=True)
    _import(aws, key, b"1" * 32)
    aws.kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    there = Account(aws.node, aws.id)
    there.region = "eu-west-1"
    assert state_of(there, key) == "PendingImport"
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    _import(there, key, b"1" * 32)
    assert there.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    second = _import(aws, key, b"2" * 32, ImportType="NEW_KEY_MATERIAL")
    with refused("KMSInvalidStateException"):
        aws.kms.rotate_key_on_demand(KeyId=key)
    _import(there, key, b"2" * 32, ImportType="EXISTING_KEY_MATERIAL")
    aws.kms.rotate_key_on_demand(KeyId=key)
    for region in (aws, there):
        assert region.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == second
