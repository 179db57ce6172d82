"""Rotation: by the clock and on demand, with what was encrypted before still to be read."""

from __future__ import annotations

from tests.node import Account
from tests.services.kms.conftest import new_key, refused

DAY_S = 86_400


def _material(account: Account, key: str) -> str:
    return account.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]


def test_a_key_is_rotated_every_period_and_reads_what_is_old(turned: Account) -> None:
    key = new_key(turned)
    assert turned.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    turned.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = turned.kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    old, first = turned.kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"], _material(turned, key)
    turned.node.advance(91 * DAY_S)
    second = _material(turned, key)
    assert second != first
    turned.node.advance(90 * DAY_S)
    assert turned.kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    rotations = turned.kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [rotation["RotationType"] for rotation in rotations] == ["AUTOMATIC", "AUTOMATIC"]
    assert [rotation["KeyMaterialId"] for rotation in rotations] == [second, _material(turned, key)]
    turned.kms.disable_key_rotation(KeyId=key)
    turned.node.advance(100 * DAY_S)
    assert len(turned.kms.list_key_rotations(KeyId=key)["Rotations"]) == 2


def test_a_disabled_key_waits_for_its_rotation(turned: Account) -> None:
    key = new_key(turned)
    turned.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    turned.kms.disable_key(KeyId=key)
    turned.node.advance(100 * DAY_S)
    assert turned.kms.list_key_rotations(KeyId=key)["Rotations"] == []
    turned.kms.enable_key(KeyId=key)
    turned.node.advance(1)
    assert len(turned.kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_rotation_on_demand_happens_at_once(aws: Account, key: str) -> None:
    old, first = aws.kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"], _material(aws, key)
    aws.kms.rotate_key_on_demand(KeyId=key)
    assert _material(aws, key) != first
    assert aws.kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"
    everything = aws.kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(rotation["KeyMaterialState"], rotation.get("RotationType")) for rotation in everything] == [
        ("NON_CURRENT", None),
        ("CURRENT", "ON_DEMAND"),
    ]


def test_a_key_is_rotated_on_demand_25_times(aws: Account, key: str) -> None:
    for _ in range(25):
        aws.kms.rotate_key_on_demand(KeyId=key)
    with refused("LimitExceededException"):
        aws.kms.rotate_key_on_demand(KeyId=key)


def test_asymmetric_keys_are_not_rotated(aws: Account) -> None:
    key = new_key(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("UnsupportedOperationException"):
        aws.kms.enable_key_rotation(KeyId=key)
    assert aws.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_an_aws_managed_key_is_rotated_every_year(turned: Account) -> None:
    key = turned.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    turned.node.advance(366 * DAY_S)
    assert _material(turned, key["KeyId"]) != key["CurrentKeyMaterialId"]
