"""Streams: made, described, listed, set up, deleted."""

from __future__ import annotations

import itertools
import json

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.kinesis.shards import LARGEST, put, read, refusal, shard_ids

FIRST = "shardId-000000000000"


def summary(aws: Account, name: str = "s") -> dict[str, object]:
    return aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def test_a_stream_is_described_as_it_was_made(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=3)
    aws.kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    described = aws.kinesis.describe_stream(StreamName="s")["StreamDescription"]
    ranges = [(int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"])) for shard in described.pop("Shards")]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == LARGEST
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))
    assert described.pop("StreamCreationTimestamp").timestamp() > 1_600_000_000
    assert described == {
        "StreamName": "s",
        "StreamARN": f"arn:aws:kinesis:us-east-1:{aws.id}:stream/s",
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "HasMoreShards": False,
        "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }
    shown = summary(aws)
    assert (shown["OpenShardCount"], shown["ConsumerCount"], shown["MaxRecordSizeInKiB"]) == (3, 0, 1024)


def test_shards_come_in_pages(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=5)
    first = aws.kinesis.describe_stream(StreamName="s", Limit=2)["StreamDescription"]
    assert [shard["ShardId"][-1] for shard in first["Shards"]] == ["0", "1"]
    assert first["HasMoreShards"]
    rest = aws.kinesis.describe_stream(StreamName="s", ExclusiveStartShardId=first["Shards"][-1]["ShardId"])["StreamDescription"]
    assert [shard["ShardId"][-1] for shard in rest["Shards"]] == ["2", "3", "4"]
    page = aws.kinesis.list_shards(StreamName="s", MaxResults=3)
    last = aws.kinesis.list_shards(NextToken=page["NextToken"])
    assert [shard["ShardId"][-1] for shard in page["Shards"] + last["Shards"]] == ["0", "1", "2", "3", "4"]
    assert "NextToken" not in last


def test_who_names_no_number_of_shards_leaves_it_to_aws(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s")
    assert len(shard_ids(aws, "s")) == 4
    assert summary(aws)["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    with pytest.raises(ClientError) as error:
        aws.kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey="10")
    assert refusal(error) == ("ValidationException", f"Request is invalid. Stream s under account {aws.id} is in On-Demand mode.")


def test_a_stream_is_made_once(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    with pytest.raises(ClientError) as error:
        aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    assert refusal(error) == ("ResourceInUseException", f"Stream s under account {aws.id} already exists.")


def test_there_is_a_limit_to_an_accounts_shards(aws: Account) -> None:
    limits = aws.kinesis.describe_limits()
    assert (limits["ShardLimit"], limits["OpenShardCount"]) == (20_000, 0)
    with pytest.raises(ClientError) as error:
        aws.kinesis.create_stream(StreamName="s", ShardCount=20_001)
    code, message = refusal(error)
    assert code == "LimitExceededException"
    assert message.startswith(
        f"This request would exceed the shard limit for the account {aws.id} in us-east-1. Current shard count for the account: 0."
    )


def test_streams_are_listed_in_pages(aws: Account) -> None:
    for name in ("c", "a", "b"):
        aws.kinesis.create_stream(StreamName=name, ShardCount=1)
    page = aws.kinesis.list_streams(Limit=2)
    assert (page["StreamNames"], page["HasMoreStreams"]) == (["a", "b"], True)
    assert aws.kinesis.list_streams(NextToken=page["NextToken"])["StreamNames"] == ["c"]
    assert aws.kinesis.list_streams(ExclusiveStartStreamName="a")["StreamNames"] == ["b", "c"]
    assert page["StreamSummaries"][0]["StreamStatus"] == "ACTIVE"


def test_a_deleted_stream_takes_its_records_with_it(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    put(aws, "s", b"old")
    at = aws.kinesis.get_shard_iterator(StreamName="s", ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    aws.kinesis.delete_stream(StreamName="s")
    aws.kinesis.get_waiter("stream_not_exists").wait(StreamName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    assert read(aws, "s", FIRST) == []
    with pytest.raises(ClientError) as error:
        aws.kinesis.get_records(ShardIterator=at)
    assert refusal(error)[0] == "ResourceNotFoundException"


def test_retention_goes_from_a_day_to_a_year(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    aws.kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=8760)
    aws.kinesis.decrease_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    assert summary(aws)["RetentionPeriodHours"] == 48
    for operation, hours, said in (
        ("increase", 8761, "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long."),
        ("decrease", 23, "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."),
        (
            "increase",
            25,
            "Requested retention period (25 hours) for stream s can not be shorter than existing retention period (48 hours)."
            " Use DecreaseRetentionPeriod API.",
        ),
        (
            "decrease",
            49,
            "Requested retention period (49 hours) for stream s can not be longer than existing retention period (48 hours)."
            " Use IncreaseRetentionPeriod API.",
        ),
    ):
        with pytest.raises(ClientError) as error:
            getattr(aws.kinesis, f"{operation}_stream_retention_period")(StreamName="s", RetentionPeriodHours=hours)
        assert refusal(error) == ("InvalidArgumentException", said)


def test_encryption_is_shown_with_the_stream_and_its_records(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    aws.kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert aws.kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")["EncryptionType"] == "KMS"
    shown = summary(aws)
    assert (shown["EncryptionType"], shown["KeyId"]) == ("KMS", "alias/aws/kinesis")
    aws.kinesis.stop_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert "EncryptionType" not in aws.kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    at = aws.kinesis.get_shard_iterator(StreamName="s", ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert [record.get("EncryptionType") for record in aws.kinesis.get_records(ShardIterator=at)["Records"]] == ["KMS", None]


def test_monitoring_is_turned_on_and_off(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    on = aws.kinesis.enable_enhanced_monitoring(StreamName="s", ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    assert (on["CurrentShardLevelMetrics"], on["DesiredShardLevelMetrics"]) == ([], ["IncomingBytes", "OutgoingBytes"])
    off = aws.kinesis.disable_enhanced_monitoring(StreamName="s", ShardLevelMetrics=["IncomingBytes"])
    assert off["DesiredShardLevelMetrics"] == ["OutgoingBytes"]
    assert len(aws.kinesis.enable_enhanced_monitoring(StreamName="s", ShardLevelMetrics=["ALL"])["DesiredShardLevelMetrics"]) == 7


def test_a_stream_changes_its_mode(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = summary(aws)["StreamARN"]
    with pytest.raises(ClientError) as error:
        aws.kinesis.update_stream_warm_throughput(StreamARN=arn, WarmThroughputMiBps=5)
    assert refusal(error)[0] == "InvalidArgumentException"
    aws.kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert aws.kinesis.describe_limits()["OnDemandStreamCount"] == 1
    aws.kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    assert aws.kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED"
    assert aws.kinesis.update_stream_warm_throughput(StreamARN=arn, WarmThroughputMiBps=5)["WarmThroughput"]["TargetMiBps"] == 5
    aws.kinesis.update_stream_record_distribution_strategy(StreamARN=arn, RecordDistributionStrategy="AUTO")
    assert summary(aws)["RecordDistributionStrategy"] == "AUTO"


def test_tags_are_the_same_by_either_api(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1, Tags={"a": "1"})
    arn = summary(aws)["StreamARN"]
    aws.kinesis.add_tags_to_stream(StreamName="s", Tags={"b": "2", "c": "3"})
    aws.kinesis.tag_resource(ResourceARN=arn, Tags={"d": "4"})
    aws.kinesis.untag_resource(ResourceARN=arn, TagKeys=["a"])
    aws.kinesis.remove_tags_from_stream(StreamName="s", TagKeys=["b"])
    expected = [{"Key": "c", "Value": "3"}, {"Key": "d", "Value": "4"}]
    assert aws.kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == expected
    page = aws.kinesis.list_tags_for_stream(StreamName="s", Limit=1)
    assert (page["Tags"], page["HasMoreTags"]) == (expected[:1], True)
    assert aws.kinesis.list_tags_for_stream(StreamName="s", ExclusiveStartTagKey="c")["Tags"] == expected[1:]
    with pytest.raises(ClientError) as error:
        aws.kinesis.add_tags_to_stream(StreamName="s", Tags={f"k{i}": "" for i in range(49)})
    assert refusal(error)[1].startswith("Failed to add tags to stream s under account")


def test_a_policy_lets_another_account_in(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    arn, other = summary(aws)["StreamARN"], aws.node.fresh_account()
    assert aws.kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"
    with pytest.raises(ClientError) as error:
        other.kinesis.put_record(StreamARN=arn, Data=b"x", PartitionKey="k")
    assert refusal(error)[0] == "AccessDeniedException"
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{other.id}:root"}, "Action": "kinesis:PutRecord", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws.kinesis.put_resource_policy(ResourceARN=arn, Policy=json.dumps(policy))
    assert json.loads(aws.kinesis.get_resource_policy(ResourceARN=arn)["Policy"]) == policy
    other.kinesis.put_record(StreamARN=arn, Data=b"x", PartitionKey="k")
    assert read(aws, "s", FIRST) == [b"x"]
    with pytest.raises(ClientError) as error:
        other.kinesis.put_records(StreamARN=arn, Records=[{"Data": b"x", "PartitionKey": "k"}])
    assert refusal(error)[0] == "AccessDeniedException"
    aws.kinesis.delete_resource_policy(ResourceARN=arn)
    assert aws.kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"


def test_a_user_reads_only_the_streams_that_a_policy_names(aws: Account) -> None:
    for name in ("mine", "other"):
        aws.kinesis.create_stream(StreamName=name, ShardCount=1, Tags={"team": name})
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    statements = [
        {"Effect": "Allow", "Action": "kinesis:Get*", "Resource": f"arn:aws:kinesis:*:{aws.id}:stream/mine"},
        {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "other"}}},
    ]
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    user = aws.client("kinesis", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    at = user.get_shard_iterator(StreamName="mine", ShardId=FIRST, ShardIteratorType="LATEST")["ShardIterator"]
    user.get_records(ShardIterator=at)
    user.put_record(StreamName="other", Data=b"x", PartitionKey="k")
    foreign = aws.kinesis.get_shard_iterator(StreamName="other", ShardId=FIRST, ShardIteratorType="LATEST")["ShardIterator"]
    for attempt in (
        lambda: user.get_records(ShardIterator=foreign),
        lambda: user.put_record(StreamName="mine", Data=b"x", PartitionKey="k"),
        lambda: user.describe_stream(StreamName="mine"),
    ):
        with pytest.raises(ClientError) as error:
            attempt()
        assert refusal(error)[0] == "AccessDeniedException"
