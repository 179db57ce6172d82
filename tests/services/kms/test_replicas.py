"""Multi-region keys: the same key in several regions of one installation."""

from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.kms.conftest import new_key, refused, state_of

DAY_S = 86_400
ELSEWHERE = "eu-west-1"


def _there(account: Account) -> Account:
    other = Account(account.node, account.id)
    other.region = ELSEWHERE
    return other


@pytest.fixture
def key(aws: Account) -> str:
    key = new_key(aws, MultiRegion=True)
    aws.kms.replicate_key(KeyId=key, ReplicaRegion=ELSEWHERE)
    return key


def test_what_is_encrypted_in_one_region_is_decrypted_in_another(aws: Account, key: str) -> None:
    assert key.startswith("mrk-")
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    answer = _there(aws).kms.decrypt(CiphertextBlob=blob)
    assert (answer["Plaintext"], answer["KeyId"]) == (b"x", f"arn:aws:kms:{ELSEWHERE}:{aws.id}:key/{key}")


def test_replicas_have_policies_tags_and_states_of_their_own(aws: Account, key: str) -> None:
    there = _there(aws)
    there.kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    there.kms.disable_key(KeyId=key)
    assert aws.kms.list_resource_tags(KeyId=key)["Tags"] == []
    assert (state_of(aws, key), state_of(there, key)) == ("Enabled", "Disabled")


def test_rotation_is_shared(aws: Account, key: str) -> None:
    there = _there(aws)
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        there.kms.rotate_key_on_demand(KeyId=key)
    aws.kms.enable_key_rotation(KeyId=key)
    assert there.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    aws.kms.rotate_key_on_demand(KeyId=key)
    blob = aws.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert there.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    materials = {region.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] for region in (aws, there)}
    assert len(materials) == 1


def test_a_replica_becomes_the_primary_key(aws: Account, key: str) -> None:
    aws.kms.update_primary_region(KeyId=key, PrimaryRegion=ELSEWHERE)
    for region in (aws, _there(aws)):
        told = region.kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
        assert told["PrimaryKey"]["Region"] == ELSEWHERE
        assert [replica["Region"] for replica in told["ReplicaKeys"]] == [aws.region]
    _there(aws).kms.replicate_key(KeyId=key, ReplicaRegion="us-west-2")


def test_a_primary_key_waits_for_its_replicas_to_go(turned: Account) -> None:
    key = new_key(turned, MultiRegion=True)
    turned.kms.replicate_key(KeyId=key, ReplicaRegion=ELSEWHERE)
    there = _there(turned)
    told = turned.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert told["KeyState"] == "PendingReplicaDeletion"
    assert "DeletionDate" not in told
    turned.node.advance(20 * DAY_S)
    assert turned.kms.describe_key(KeyId=key)["KeyMetadata"]["PendingDeletionWindowInDays"] == 7
    there.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    turned.node.advance(7.1 * DAY_S)
    assert state_of(turned, key) == "PendingDeletion"
    turned.node.advance(7.1 * DAY_S)
    for region in (turned, there):
        with refused("NotFoundException"):
            region.kms.describe_key(KeyId=key)


def test_only_multi_region_keys_are_replicated_and_once(aws: Account, key: str) -> None:
    with refused("UnsupportedOperationException", "is not a multi-region primary key."):
        aws.kms.replicate_key(KeyId=new_key(aws), ReplicaRegion=ELSEWHERE)
    with refused("AlreadyExistsException"):
        aws.kms.replicate_key(KeyId=key, ReplicaRegion=ELSEWHERE)
