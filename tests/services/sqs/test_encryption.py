"""Queues with a key of KMS: what waits there is encrypted, and who sends and receives needs the key."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account, RunningNode
from tests.services.sqs.conftest import NewQueue, arn_of
from tests.services.sqs.messages import bodies, refused, send


def _user(account: Account, *actions: str) -> Any:
    account.iam.create_user(UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    account.iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = account.iam.create_access_key(UserName="eve")["AccessKey"]
    return account.client("sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize("fifo", [False, True])
def test_messages_come_out_as_they_went_in(aws: Account, new_queue: NewQueue, key: str, fifo: bool) -> None:
    url = new_queue(fifo=fifo, KmsMasterKeyId=key)
    more = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if fifo else {}
    sent = aws.sqs.send_message(QueueUrl=url, MessageBody="Grüße", **more)
    received = aws.sqs.receive_message(QueueUrl=url)["Messages"][0]
    assert (received["Body"], received["MD5OfBody"]) == ("Grüße", sent["MD5OfMessageBody"])


def test_batches_and_long_messages_are_encrypted_too(aws: Account, new_queue: NewQueue, key: str) -> None:
    url = new_queue(KmsMasterKeyId=key)
    aws.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": str(i) * 100_000} for i in range(3)])
    assert sorted(bodies(aws, url)) == [str(i) * 100_000 for i in range(3)]


def test_the_managed_key_serves_everybody_who_may_use_the_queue(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue(KmsMasterKeyId="alias/aws/sqs")
    eve = _user(aws, "sqs:*")
    eve.send_message(QueueUrl=url, MessageBody="x")
    assert eve.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"
    assert [alias["AliasName"] for alias in aws.kms.list_aliases()["Aliases"]] == ["alias/aws/sqs"]


def test_sending_takes_a_data_key_and_receiving_its_decryption(aws: Account, new_queue: NewQueue, key: str) -> None:
    url = new_queue(KmsMasterKeyId=key, VisibilityTimeout=0)
    send(aws, url, "x")
    eve = _user(aws, "sqs:*", "kms:GenerateDataKey")
    eve.send_message(QueueUrl=url, MessageBody="y")
    with refused("KMS.AccessDeniedException", "is not authorized to perform: kms:Decrypt on resource"):
        eve.receive_message(QueueUrl=url)


def test_a_key_that_is_off_or_gone_refuses(aws: Account, new_queue: NewQueue, key: str) -> None:
    url = new_queue(KmsMasterKeyId=key)
    aws.kms.disable_key(KeyId=key)
    with refused("KMS.DisabledException", "is disabled."):
        send(aws, url, "x")
    with refused("KMS.NotFoundException"):
        send(aws, new_queue(KmsMasterKeyId="alias/nothing"), "x")


def test_the_encryption_context_is_the_queues_arn(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue()
    equals = {"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": arn_of(aws, url), "kms:ViaService": "sqs.us-east-1.amazonaws.com"}}
    root = {"AWS": f"arn:aws:iam::{aws.id}:root"}
    statements = [
        {"Effect": "Allow", "Principal": root, "Action": "kms:PutKeyPolicy", "Resource": "*"},
        {"Effect": "Allow", "Principal": root, "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*", "Condition": equals},
    ]
    key = aws.kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))["KeyMetadata"]["KeyId"]
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
    send(aws, url, "x")
    assert bodies(aws, url) == ["x"]
    with refused("KMS.AccessDeniedException"):
        send(aws, new_queue(KmsMasterKeyId=key), "x")


def test_a_queue_that_loses_its_key_still_gives_out_what_waits(aws: Account, new_queue: NewQueue, key: str) -> None:
    url = new_queue(KmsMasterKeyId=key)
    send(aws, url, "x")
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    assert bodies(aws, url) == ["x"]


def test_nothing_of_a_message_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        key = aws.kms.create_key()["KeyMetadata"]["KeyId"]
        url = aws.sqs.create_queue(QueueName="q", Attributes={"KmsMasterKeyId": key})["QueueUrl"]
        send(aws, url, "a very secret text")
    for file in (tmp_path / "data").rglob("*"):
        assert not file.is_file() or b"a very secret text" not in file.read_bytes()
    with sqlite3.connect(tmp_path / "data" / "tule.db") as connection:
        assert connection.execute("SELECT count(*) FROM sqs_messages").fetchone() == (1,)
