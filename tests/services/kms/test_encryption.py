"""Encrypting and decrypting under symmetric keys."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["KeyId"]


def test_what_was_encrypted_is_decrypted_without_naming_the_key(aws: Account, key: str):
    encrypted = aws.kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"purpose": "test"})
    answer = aws.kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext={"purpose": "test"})
    assert answer["Plaintext"] == b"secret"
    assert answer["KeyId"] == encrypted["KeyId"]
    assert b"secret" not in encrypted["CiphertextBlob"]


@pytest.mark.parametrize("context", [{}, {"purpose": "other"}, {"purpose": "test", "more": "x"}, {"Purpose": "test"}])
def test_another_encryption_context_decrypts_nothing(aws: Account, key: str, context: dict[str, str]):
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"purpose": "test"})["CiphertextBlob"]
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        aws.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_data_keys_come_in_the_clear_and_encrypted(aws: Account, key: str):
    made = aws.kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert len(made["Plaintext"]) == 32
    assert aws.kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert len(aws.kms.decrypt(**_blob_of(aws.kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=7)))["Plaintext"]) == 7


def _blob_of(answer: dict[str, bytes]) -> dict[str, bytes]:
    return {"CiphertextBlob": answer["CiphertextBlob"]}


def test_an_aws_managed_key_comes_into_being_by_looking_and_serves_only_through_its_service(aws: Account):
    found = aws.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert found["KeyManager"] == "AWS"
    assert aws.kms.describe_key(KeyId=found["KeyId"])["KeyMetadata"]["Arn"] == found["Arn"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        aws.kms.encrypt(KeyId="alias/aws/s3", Plaintext=b"x")
