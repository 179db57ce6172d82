"""What tables and streams count for CloudWatch."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.cloudwatch.test_emitted import Seen
from tests.services.dynamodb import streaming
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_policies import allowing
from tests.services.dynamodb.test_tables import described


def test_streams_count_what_they_return(aws: Account) -> None:
    arn = streaming.table(aws, "counted-stream")
    for key in "abc":
        streaming.put(aws, key, into="counted-stream")
    at = streaming.iterator(aws, arn, streaming.shards(aws, arn)[0]["ShardId"])
    aws.dynamodbstreams.get_records(ShardIterator=at, Limit=2)
    with pytest.raises(ClientError):
        aws.dynamodbstreams.get_records(ShardIterator=at[:-3])
    label = arn.rpartition("/")[2]
    seen = Seen(aws, "AWS/DynamoDB", Operation="GetRecords", StreamLabel=label, TableName="counted-stream")
    assert seen.statistic("ReturnedRecordsCount") == 2.0
    assert seen.statistic("SuccessfulRequestLatency", "SampleCount") == 1.0
    assert 300 < (seen.statistic("ReturnedBytes") or 0) < 1_000
    assert Seen(aws, "AWS/DynamoDB").statistic("UserErrors") == 1.0


def test_what_others_use_of_a_table_is_counted_for_its_owner(aws: Account) -> None:
    name = make_table(aws)
    arn = described(aws, name)["TableArn"]
    other = aws.node.fresh_account()
    aws.dynamodb.put_resource_policy(ResourceArn=arn, Policy=allowing(other.id, "dynamodb:*"))
    other.dynamodb.put_item(TableName=arn, Item={"p": {"S": "a"}})
    other.dynamodb.get_item(TableName=arn, Key={"p": {"S": "a"}})
    assert Seen(aws, "AWS/DynamoDB", TableName=name).sums("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits") == [1.0, 0.5]
    assert Seen(other, "AWS/DynamoDB", TableName=name).sums("ConsumedWriteCapacityUnits") == [None]
