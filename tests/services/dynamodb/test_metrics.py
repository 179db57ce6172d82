"""What tables and streams count for CloudWatch."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.cloudwatch.test_emitted import Seen
from tests.services.dynamodb import streaming


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
