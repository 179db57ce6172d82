"""Delivery streams with a customer's key of KMS."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.firehose.house import bucket, destination, objects, processing, put, refusal, role


def _stream(aws: Account, key: str, config: dict[str, object]) -> None:
    encryption = {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key}
    aws.firehose.create_delivery_stream(
        DeliveryStreamName="d", ExtendedS3DestinationConfiguration=config, DeliveryStreamEncryptionConfigurationInput=encryption
    )


def _key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["Arn"]


def test_records_arrive_as_they_were_put(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, _key(turned), destination(role(turned), target))
    put(turned, "d", b"one\n", b"two\n")
    assert turned.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"three\n"})["Encrypted"]
    turned.node.advance(301)
    assert list(objects(turned, target).values()) == [b"one\ntwo\nthree\n"]


def test_records_pass_through_processing_and_backup(turned: Account) -> None:
    target, backup, runs_as = bucket(turned), bucket(turned), role(turned)
    steps = processing(("AppendDelimiterToRecord", {"Delimiter": "\\n"}))
    config = destination(runs_as, target, ProcessingConfiguration=steps, S3BackupMode="Enabled", S3BackupConfiguration=destination(runs_as, backup))
    _stream(turned, _key(turned), config)
    put(turned, "d", b"one", b"two")
    turned.node.advance(601)
    assert list(objects(turned, target).values()) == [b"one\ntwo\n"]
    assert list(objects(turned, backup).values()) == [b"onetwo"]


def test_firehose_works_by_a_grant(aws: Account) -> None:
    key = _key(aws)
    _stream(aws, key, destination(role(aws), bucket(aws)))
    (grant,) = aws.kms.list_grants(KeyId=key)["Grants"]
    assert grant["GranteePrincipal"] == "firehose.amazonaws.com"
    aws.kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with pytest.raises(ClientError) as error:
        aws.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x"})
    assert refusal(error)[0] == "InvalidKMSResourceException"


def test_a_key_that_does_not_serve_is_refused(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        _stream(aws, f"arn:aws:kms:us-east-1:{aws.id}:key/00000000-0000-0000-0000-000000000000", destination(role(aws), bucket(aws)))
    assert error.value.response["Error"]["Code"] == "InvalidKMSResourceException"
    assert aws.firehose.list_delivery_streams()["DeliveryStreamNames"] == []


def test_nothing_of_a_record_that_waits_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        _stream(aws, _key(aws), destination(role(aws), bucket(aws)))
        put(aws, "d", b"a very secret text")
    for file in (tmp_path / "data").rglob("*"):
        assert not file.is_file() or b"a very secret text" not in file.read_bytes()
