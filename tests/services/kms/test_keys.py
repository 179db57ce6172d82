"""Keys: their states, their names, their tags and policies, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.node import Account
from tests.services.kms.conftest import arn_of, new_key, policy_of, refused, state_of

DAY_S = 86_400


def test_a_disabled_key_does_nothing_until_it_is_enabled_again(aws: Account, key: str) -> None:
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    aws.kms.disable_key(KeyId=key)
    for attempt in (
        lambda: aws.kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: aws.kms.decrypt(CiphertextBlob=blob),
        lambda: aws.kms.generate_data_key(KeyId=key, KeySpec="AES_128"),
    ):
        with refused("DisabledException", f"{arn_of(aws, key)} is disabled."):
            attempt()
    aws.kms.enable_key(KeyId=key)
    assert aws.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_is_deleted_when_its_waiting_period_is_over(turned: Account) -> None:
    key = new_key(turned)
    turned.kms.create_alias(AliasName="alias/leaving", TargetKeyId=key)
    blob = turned.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    told = turned.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert told["KeyState"] == "PendingDeletion"
    assert told["DeletionDate"] - turned.kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"] >= timedelta(days=7)
    with refused("KMSInvalidStateException", f"{arn_of(turned, key)} is pending deletion."):
        turned.kms.decrypt(CiphertextBlob=blob)
    turned.node.advance(6.9 * DAY_S)
    assert state_of(turned, key) == "PendingDeletion"
    turned.node.advance(0.2 * DAY_S)
    with refused("NotFoundException", f"Key '{arn_of(turned, key)}' does not exist"):
        turned.kms.describe_key(KeyId=key)
    with refused("AccessDeniedException", "because the resource does not exist in this Region"):
        turned.kms.decrypt(CiphertextBlob=blob)
    assert turned.kms.list_aliases()["Aliases"] == []


def test_a_deletion_that_is_cancelled_leaves_the_key_disabled(turned: Account) -> None:
    key = new_key(turned)
    with refused("KMSInvalidStateException", f"{arn_of(turned, key)} is not pending deletion."):
        turned.kms.cancel_key_deletion(KeyId=key)
    turned.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert turned.kms.cancel_key_deletion(KeyId=key)["KeyId"] == arn_of(turned, key)
    assert state_of(turned, key) == "Disabled"
    turned.node.advance(8 * DAY_S)
    assert state_of(turned, key) == "Disabled"


@pytest.mark.parametrize("days", [6, 31])
def test_waiting_periods_last_seven_to_thirty_days(aws: Account, key: str, days: int) -> None:
    with refused("ValidationException"):
        aws.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


def test_keys_have_the_algorithms_of_their_kind(aws: Account) -> None:
    found = aws.kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert found["SigningAlgorithms"] == ["ECDSA_SHA_384"]
    assert "CurrentKeyMaterialId" not in found
    for given in ({"KeySpec": "RSA_2048"}, {"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, {"KeyUsage": "SIGN_VERIFY"}):
        with refused("ValidationException"):
            aws.kms.create_key(**given)
    for given in ({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1"}, {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}):
        with refused("NotImplemented"):
            aws.kms.create_key(**given)


def test_listings_come_in_pages(aws: Account) -> None:
    made = {new_key(aws) for _ in range(5)}
    pages = list(aws.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert {each["KeyId"] for page in pages for each in page["Keys"]} == made
    with refused("InvalidMarkerException"):
        aws.kms.list_keys(Marker="nonsense")


def test_an_alias_names_a_key_and_may_name_another(aws: Account, key: str) -> None:
    other = new_key(aws)
    aws.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    for name in ("alias/mine", f"arn:aws:kms:{aws.region}:{aws.id}:alias/mine"):
        assert aws.kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == arn_of(aws, key)
    with refused("AlreadyExistsException", f"arn:aws:kms:{aws.region}:{aws.id}:alias/mine already exists"):
        aws.kms.create_alias(AliasName="alias/mine", TargetKeyId=other)
    aws.kms.update_alias(AliasName="alias/mine", TargetKeyId=other)
    assert aws.kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["KeyId"] == arn_of(aws, other)
    assert aws.kms.list_aliases(KeyId=key)["Aliases"] == []
    assert [alias["AliasName"] for alias in aws.kms.list_aliases(KeyId=other)["Aliases"]] == ["alias/mine"]
    aws.kms.delete_alias(AliasName="alias/mine")
    with refused("NotFoundException", "alias/mine is not found."):
        aws.kms.encrypt(KeyId="alias/mine", Plaintext=b"x")


def test_aliases_of_aws_are_not_for_everybody(aws: Account, key: str) -> None:
    with refused("NotAuthorizedException"):
        aws.kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key)
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        aws.kms.create_alias(AliasName="alias/mine", TargetKeyId="alias/aws/sqs")


def test_an_alias_stays_with_keys_of_one_kind(aws: Account, key: str) -> None:
    aws.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    signing = new_key(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("ValidationException"):
        aws.kms.update_alias(AliasName="alias/mine", TargetKeyId=signing)


def test_what_changes_a_key_names_it_by_id_or_arn(aws: Account, key: str) -> None:
    aws.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    with refused("NotFoundException", "Invalid keyId 'alias/mine'"):
        aws.kms.disable_key(KeyId="alias/mine")
    aws.kms.update_key_description(KeyId=arn_of(aws, key), Description="another")
    assert aws.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "another"


def test_a_policy_that_locks_its_author_out_is_refused(aws: Account, key: str) -> None:
    nobody = policy_of(aws, {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "kms:*", "Resource": "*"}, with_root=False)
    with refused("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future."):
        aws.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=nobody)
    with refused("MalformedPolicyDocumentException"):
        aws.kms.create_key(Policy="{}")
    assert json.loads(aws.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Id"] == "key-default-1"
    aws.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=nobody, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException", "because no resource-based policy allows the kms:Encrypt action"):
        aws.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_keys_and_their_material_survive_the_node(start_node) -> None:
    node = start_node()
    aws = node.fresh_account()
    key = new_key(aws)
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    node.kill()
    again = Account(start_node(), aws.id)
    assert again.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"


def test_a_key_tells_when_it_was_last_used_and_for_what(start_node) -> None:
    node = start_node()
    aws = node.fresh_account()
    key = new_key(aws)
    told = aws.kms.get_key_last_usage(KeyId=key)
    assert "Operation" not in told.get("KeyLastUsage", {})
    assert told["TrackingStartDate"] == told["KeyCreationDate"]
    aws.kms.encrypt(KeyId=key, Plaintext=b"x")
    used = aws.kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]
    assert used["Operation"] == "Encrypt"
    node.stop()
    again = Account(start_node(), aws.id)
    assert again.kms.get_key_last_usage(KeyId=key)["KeyLastUsage"] == used
    again.kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert again.kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"] == "GenerateDataKey"
