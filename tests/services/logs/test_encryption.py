"""Log groups with a key of KMS."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode


def _key(account: Account, *, lets_logs_in: bool = True) -> str:
    statements = [{"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "kms:*", "Resource": "*"}]
    if lets_logs_in:
        context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{account.id}:log-group:*"}}
        actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        service = {"Service": "logs.us-east-1.amazonaws.com"}
        statements.append({"Effect": "Allow", "Principal": service, "Action": actions, "Resource": "*", "Condition": context})  # type: ignore[dict-item]
    return account.kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))["KeyMetadata"]["Arn"]


def _put(account: Account, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    account.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def _all(account: Account) -> list[str]:
    return [event["message"] for event in account.logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]]


def test_messages_come_out_as_they_went_in_before_during_and_after(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="g")
    aws.logs.create_log_stream(logGroupName="g", logStreamName="s")
    _put(aws, "before")
    aws.logs.associate_kms_key(logGroupName="g", kmsKeyId=_key(aws))
    _put(aws, "during", "Grüße")
    aws.logs.disassociate_kms_key(logGroupName="g")
    _put(aws, "after")
    assert _all(aws) == ["before", "during", "Grüße", "after"]
    found = aws.logs.filter_log_events(logGroupName="g", filterPattern="during")["events"]
    assert [event["message"] for event in found] == ["during"]


def test_a_key_that_lets_no_logs_in_is_refused(aws: Account) -> None:
    nothing = f"arn:aws:kms:us-east-1:{aws.id}:key/00000000-0000-0000-0000-000000000000"
    for key in (_key(aws, lets_logs_in=False), nothing):
        with pytest.raises(ClientError, match="The specified KMS key does not exist or is not allowed to be used with LogGroup"):
            aws.logs.create_log_group(logGroupName="g", kmsKeyId=key)
    assert aws.logs.describe_log_groups()["logGroups"] == []


def test_nothing_of_a_message_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        aws.logs.create_log_group(logGroupName="g", kmsKeyId=_key(aws))
        aws.logs.create_log_stream(logGroupName="g", logStreamName="s")
        _put(aws, "a very secret text")
        assert _all(aws) == ["a very secret text"]
    for file in (tmp_path / "data").rglob("*"):
        assert not file.is_file() or b"a very secret text" not in file.read_bytes()
