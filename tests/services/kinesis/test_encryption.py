"""Streams with a key of KMS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["KeyId"]


def _stream(account: Account, key: str) -> str:
    account.kinesis.create_stream(StreamName="s", ShardCount=1)
    account.kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId=key)
    return account.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]


def _records(client: Any) -> list[dict[str, Any]]:
    iterator = client.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return client.get_records(ShardIterator=iterator)["Records"]


def _user(account: Account, *actions: str) -> Any:
    account.iam.create_user(UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    account.iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = account.iam.create_access_key(UserName="eve")["AccessKey"]
    return account.client("kinesis", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])


def _refusal(attempt: Any) -> str:
    with pytest.raises(ClientError) as raised:
        attempt()
    return raised.value.response["Error"]["Code"]


def test_records_come_out_as_they_went_in_before_during_and_after(aws: Account, key: str) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"before")
    aws.kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId=key)
    assert aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"during")["EncryptionType"] == "KMS"
    entries = [{"PartitionKey": "k", "Data": data} for data in (b"one", b"two")]
    assert aws.kinesis.put_records(StreamName="s", Records=entries)["EncryptionType"] == "KMS"
    aws.kinesis.stop_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId=key)
    aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"after")
    found = _records(aws.kinesis)
    assert [record["Data"] for record in found] == [b"before", b"during", b"one", b"two", b"after"]
    assert [record.get("EncryptionType") for record in found] == [None, "KMS", "KMS", "KMS", None]


def test_subscribers_get_records_decrypted(aws: Account, key: str) -> None:
    arn = _stream(aws, key)
    aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"x")
    consumer = aws.kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    start = {"Type": "TRIM_HORIZON"}
    events = aws.kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId="shardId-000000000000", StartingPosition=start)["EventStream"]
    event = next(iter(events))
    assert [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]] == [b"x"]
    events.close()


def test_putting_takes_a_data_key_and_reading_its_decryption(aws: Account, key: str) -> None:
    _stream(aws, key)
    eve = _user(aws, "kinesis:*", "kms:GenerateDataKey")
    eve.put_record(StreamName="s", PartitionKey="k", Data=b"x")
    assert _refusal(lambda: _records(eve)) == "KMSAccessDeniedException"
    assert [record["Data"] for record in _records(aws.kinesis)] == [b"x"]


def test_the_managed_key_serves_everybody_who_may_use_the_stream(aws: Account) -> None:
    _stream(aws, "alias/aws/kinesis")
    eve = _user(aws, "kinesis:*")
    eve.put_record(StreamName="s", PartitionKey="k", Data=b"x")
    assert [record["Data"] for record in _records(eve)] == [b"x"]


def test_keys_that_do_not_serve_are_refused(aws: Account, key: str) -> None:
    _stream(aws, key)
    aws.kms.disable_key(KeyId=key)
    assert _refusal(lambda: aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"x")) == "KMSDisabledException"
    for named, code in ((key, "KMSDisabledException"), ("alias/nothing", "KMSNotFoundException")):
        start = {"StreamName": "s", "EncryptionType": "KMS", "KeyId": named}
        assert _refusal(lambda start=start: aws.kinesis.start_stream_encryption(**start)) == code


def test_nothing_of_a_record_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        _stream(aws, aws.kms.create_key()["KeyMetadata"]["KeyId"])
        aws.kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"a very secret text that is long enough")
    for file in (tmp_path / "data").rglob("*"):  # records are kept as base64
        assert not file.is_file() or b"YSB2ZXJ5IHNlY3JldCB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2g" not in file.read_bytes()
