"""What services count by themselves, seen with CloudWatch."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import create


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.05)


class Seen:
    """Statistics of what one service counted."""

    def __init__(self, aws: Account, namespace: str, **dimensions: str) -> None:
        self._aws = aws
        self._namespace = namespace
        self._dimensions = [{"Name": name, "Value": value} for name, value in dimensions.items()]

    def statistic(self, name: str, stat: str = "Sum", **more: str) -> float | None:
        """Of the last minutes; None where nothing was counted."""
        now = datetime.datetime.now(datetime.UTC)
        points = self._aws.cloudwatch.get_metric_statistics(
            Namespace=self._namespace,
            MetricName=name,
            Dimensions=[*self._dimensions, *({"Name": key, "Value": value} for key, value in more.items())],
            Period=3600,
            Statistics=[stat],
            StartTime=now - datetime.timedelta(hours=1),
            EndTime=now + datetime.timedelta(minutes=2),
        )["Datapoints"]
        together = {"Minimum": min, "Maximum": max}.get(stat, sum)
        return together(point[stat] for point in points) if points else None

    def sums(self, *names: str) -> list[float | None]:
        return [self.statistic(name) for name in names]


def test_queues_count_messages(aws: Account) -> None:
    url = aws.sqs.create_queue(QueueName="counted")["QueueUrl"]
    aws.sqs.receive_message(QueueUrl=url)
    aws.sqs.send_message(QueueUrl=url, MessageBody="12345")
    aws.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "123"}, {"Id": "b", "MessageBody": "1"}])
    for message in aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    seen = Seen(aws, "AWS/SQS", QueueName="counted")
    assert seen.sums("NumberOfMessagesSent", "SentMessageSize", "NumberOfEmptyReceives") == [3.0, 9.0, 1.0]
    assert seen.sums("NumberOfMessagesReceived", "NumberOfMessagesDeleted") == [3.0, 3.0]
    assert seen.statistic("SentMessageSize", "SampleCount") == 3.0


def test_functions_count_invocations_errors_and_throttles(aws: Account) -> None:
    create(aws, "works", code="def handler(event, context):\n    return 1 / event['by']\n")
    aws.lambda_.invoke(FunctionName="works", Payload=b'{"by": 1}')
    aws.lambda_.invoke(FunctionName="works", Payload=b'{"by": 0}')
    aws.lambda_.put_function_concurrency(FunctionName="works", ReservedConcurrentExecutions=0)
    once = aws.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError):
        once.invoke(FunctionName="works", Payload=b'{"by": 1}')
    seen = Seen(aws, "AWS/Lambda", FunctionName="works")
    assert seen.sums("Invocations", "Errors", "Throttles") == [2.0, 1.0, 1.0]
    assert seen.statistic("Invocations", Resource="works") == 2.0
    assert Seen(aws, "AWS/Lambda").statistic("Invocations") == 2.0
    assert (seen.statistic("Duration", "Minimum") or 0) > 0
    assert seen.statistic("ConcurrentExecutions", "Maximum") == 1.0


def _make_table(account: Account, name: str) -> None:
    account.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    account.dynamodb.get_waiter("table_exists").wait(TableName=name)


@pytest.fixture
def table(aws: Account) -> str:
    _make_table(aws, "counted")
    return "counted"


def test_tables_count_units_and_latencies(aws: Account, table: str) -> None:
    aws.dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "text": {"S": "x" * 1500}})
    aws.dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}})
    aws.dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {"id": {"S": name}}}} for name in "bc"]})
    aws.dynamodb.scan(TableName=table, Limit=10)
    seen = Seen(aws, "AWS/DynamoDB", TableName=table)
    assert seen.sums("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits") == [4.0, 1.0]
    assert seen.statistic("ReturnedItemCount", Operation="Scan") == 3.0
    for operation in ("PutItem", "GetItem", "BatchWriteItem", "Scan"):
        assert seen.statistic("SuccessfulRequestLatency", "SampleCount", Operation=operation) == 1.0


def test_tables_count_conditions_that_failed_and_accounts_their_mistakes(aws: Account, table: str) -> None:
    aws.dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    mine = {"Item": {"id": {"S": "a"}}, "TableName": table, "ConditionExpression": "attribute_not_exists(id)"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws.dynamodb.put_item(**mine)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws.dynamodb.transact_write_items(TransactItems=[{"Put": mine}])
    assert Seen(aws, "AWS/DynamoDB", TableName=table).sums("ConditionalCheckFailedRequests") == [2.0]
    assert Seen(aws, "AWS/DynamoDB").sums("UserErrors") == [None]
    with pytest.raises(ClientError, match="ValidationException"):
        aws.dynamodb.get_item(TableName=table, Key={"other": {"S": "a"}})
    assert Seen(aws, "AWS/DynamoDB").sums("UserErrors") == [1.0]


def test_buckets_count_requests_that_meet_a_filter(aws: Account) -> None:
    aws.s3.create_bucket(Bucket="counted-" + aws.id)
    bucket = "counted-" + aws.id
    for id, wanted in {"all": {}, "logs": {"Filter": {"Prefix": "logs/"}}, "red": {"Filter": {"Tag": {"Key": "c", "Value": "red"}}}}.items():
        aws.s3.put_bucket_metrics_configuration(Bucket=bucket, Id=id, MetricsConfiguration={"Id": id, **wanted})
    aws.s3.put_object(Bucket=bucket, Key="logs/a", Body=b"12345", Tagging="c=red")
    aws.s3.put_object(Bucket=bucket, Key="b", Body=b"123")
    assert aws.s3.get_object(Bucket=bucket, Key="logs/a")["Body"].read() == b"12345"
    with pytest.raises(ClientError):
        aws.s3.get_object(Bucket=bucket, Key="missing")
    seen = {id: Seen(aws, "AWS/S3", BucketName=bucket, FilterId=id) for id in ("all", "logs", "red")}
    assert seen["logs"].sums("AllRequests", "PutRequests", "GetRequests", "BytesUploaded", "BytesDownloaded") == [2.0, 1.0, 1.0, 5.0, 5.0]
    assert seen["red"].sums("AllRequests", "PutRequests", "GetRequests") == [2.0, 1.0, 1.0]
    assert seen["all"].sums("PutRequests", "GetRequests", "4xxErrors", "BytesUploaded") == [2.0, 2.0, 1.0, 8.0]
    assert seen["logs"].statistic("TotalRequestLatency", "SampleCount") == 2.0


def test_topics_count_messages_and_notifications(aws: Account) -> None:
    topic = aws.sns.create_topic(Name="counted")["TopicArn"]
    url = aws.sqs.create_queue(QueueName="subscribed")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}]}
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    wants_red = {"RawMessageDelivery": "true", "FilterPolicy": '{"color": ["red"]}'}
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=wants_red)
    aws.sns.publish(TopicArn=topic, Message="12345", MessageAttributes={"color": {"DataType": "String", "StringValue": "red"}})
    aws.sns.publish(TopicArn=topic, Message="123")
    seen = Seen(aws, "AWS/SNS", TopicName="counted")
    assert seen.sums("NumberOfMessagesPublished", "NumberOfNotificationsFilteredOut") == [2.0, 1.0]
    assert seen.statistic("PublishSize", "Minimum") == 3.0
    eventually(lambda: seen.statistic("NumberOfNotificationsDelivered") == 1.0)
    assert seen.sums("NumberOfNotificationsFailed") == [None]


def test_streams_count_records(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="counted", ShardCount=1)
    aws.kinesis.get_waiter("stream_exists").wait(StreamName="counted")
    aws.kinesis.put_record(StreamName="counted", PartitionKey="k", Data=b"1234")
    aws.kinesis.put_records(StreamName="counted", Records=[{"PartitionKey": "k", "Data": b"12"}, {"PartitionKey": "k", "Data": b"1"}])
    shard = aws.kinesis.list_shards(StreamName="counted")["Shards"][0]["ShardId"]
    iterator = aws.kinesis.get_shard_iterator(StreamName="counted", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert len(aws.kinesis.get_records(ShardIterator=iterator)["Records"]) == 3
    seen = Seen(aws, "AWS/Kinesis", StreamName="counted")
    assert seen.sums("IncomingRecords", "IncomingBytes", "PutRecord.Success", "PutRecords.SuccessfulRecords") == [3.0, 10.0, 1.0, 2.0]
    assert seen.sums("GetRecords.Records", "GetRecords.Success", "WriteProvisionedThroughputExceeded") == [3.0, 1.0, 0.0]


def test_delivery_streams_count_records(aws: Account) -> None:
    bucket = "delivered-" + aws.id
    aws.s3.create_bucket(Bucket=bucket)
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = aws.iam.create_role(RoleName="deliverer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    may = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="deliverer", PolicyName="s3", PolicyDocument=json.dumps(may))
    to = {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}", "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1}}
    aws.firehose.create_delivery_stream(DeliveryStreamName="counted", ExtendedS3DestinationConfiguration=to)
    described = lambda: aws.firehose.describe_delivery_stream(DeliveryStreamName="counted")["DeliveryStreamDescription"]  # noqa: E731
    eventually(lambda: described()["DeliveryStreamStatus"] == "ACTIVE")
    aws.firehose.put_record(DeliveryStreamName="counted", Record={"Data": b"12345"})
    seen = Seen(aws, "AWS/Firehose", DeliveryStreamName="counted")
    assert seen.sums("IncomingRecords", "IncomingBytes", "PutRecord.Requests") == [1.0, 5.0, 1.0]
    eventually(lambda: seen.sums("DeliveryToS3.Success", "DeliveryToS3.Records", "DeliveryToS3.Bytes") == [1.0, 1.0, 5.0])


def test_log_groups_count_events(aws: Account) -> None:
    aws.logs.create_log_group(logGroupName="counted")
    aws.logs.create_log_stream(logGroupName="counted", logStreamName="s")
    now_ms = int(time.time() * 1000)
    aws.logs.put_log_events(logGroupName="counted", logStreamName="s", logEvents=[{"timestamp": now_ms, "message": text} for text in ("a", "bcd")])
    assert Seen(aws, "AWS/Logs", LogGroupName="counted").sums("IncomingLogEvents", "IncomingBytes") == [2.0, 4.0]
    assert Seen(aws, "AWS/Logs").sums("IncomingLogEvents") == [2.0]


def test_mappings_count_events(aws: Account) -> None:
    create(aws, "reader", code="def handler(event, context):\n    return 1\n")
    may = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="sqs", PolicyDocument=json.dumps(may))
    url = aws.sqs.create_queue(QueueName="read")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for body in ('{"n": 1}', '{"n": 2}', '{"n": 2}'):
        aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    uuid = aws.lambda_.create_event_source_mapping(
        FunctionName="reader",
        EventSourceArn=queue,
        FilterCriteria={"Filters": [{"Pattern": '{"body": {"n": [2]}}'}]},
        MetricsConfig={"Metrics": ["EventCount"]},
    )["UUID"]
    seen = Seen(aws, "AWS/Lambda", EventSourceMappingUUID=uuid)
    eventually(lambda: seen.sums("DeletedEventCount") == [2.0])
    assert seen.sums("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount") == [3.0, 1.0, 2.0, 0.0]


def test_functions_tell_how_old_records_of_streams_are(aws: Account) -> None:
    create(aws, "streamed", code="def handler(event, context):\n    return 1\n")
    may = {"Statement": [{"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="runner", PolicyName="kinesis", PolicyDocument=json.dumps(may))
    aws.kinesis.create_stream(StreamName="read", ShardCount=1)
    aws.kinesis.get_waiter("stream_exists").wait(StreamName="read")
    stream = aws.kinesis.describe_stream_summary(StreamName="read")["StreamDescriptionSummary"]["StreamARN"]
    aws.kinesis.put_record(StreamName="read", PartitionKey="k", Data=b"1")
    aws.lambda_.create_event_source_mapping(FunctionName="streamed", EventSourceArn=stream, StartingPosition="TRIM_HORIZON")
    seen = Seen(aws, "AWS/Lambda", FunctionName="streamed")
    eventually(lambda: seen.statistic("IteratorAge", "SampleCount") == 1.0)
    assert (seen.statistic("IteratorAge", "Maximum") or 0.0) < 60_000


def test_rules_count_events_and_invocations(aws: Account) -> None:
    url = aws.sqs.create_queue(QueueName="target")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    letters = aws.sqs.create_queue(QueueName="letters")["QueueUrl"]
    dead = aws.sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}
    for each in (url, letters):
        aws.sqs.set_queue_attributes(QueueUrl=each, Attributes={"Policy": json.dumps(policy)})
    aws.events.put_rule(Name="counted", EventPattern='{"source": ["app"]}')
    missing = {"Id": "b", "Arn": queue + "-missing", "DeadLetterConfig": {"Arn": dead}}
    aws.events.put_targets(Rule="counted", Targets=[{"Id": "a", "Arn": queue}, missing])
    aws.events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": "{}"} for source in ("app", "other")])
    seen = Seen(aws, "AWS/Events", RuleName="counted")
    assert seen.sums("MatchedEvents", "TriggeredRules") == [1.0, 1.0]
    eventually(lambda: seen.sums("Invocations", "FailedInvocations", "InvocationsSentToDlq") == [2.0, 1.0, 1.0])


def test_functions_count_what_their_destinations_refuse(aws: Account) -> None:
    role = create(aws, "tells", code="def handler(event, context):\n    return 1\n")["Role"]
    may = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="sqs", PolicyDocument=json.dumps(may))
    url = aws.sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.lambda_.put_function_event_invoke_config(FunctionName="tells", DestinationConfig={"OnSuccess": {"Destination": queue}})
    aws.sqs.delete_queue(QueueUrl=url)
    aws.lambda_.invoke(FunctionName="tells", InvocationType="Event")
    seen = Seen(aws, "AWS/Lambda", FunctionName="tells")
    eventually(lambda: (seen.statistic("DestinationDeliveryFailures") or 0) >= 1.0)


def test_buckets_tell_each_day_what_they_hold(turned: Account) -> None:
    bucket = "held-" + turned.id
    turned.s3.create_bucket(Bucket=bucket)
    turned.s3.put_object(Bucket=bucket, Key="a", Body=b"12345")
    turned.s3.put_object(Bucket=bucket, Key="b", Body=b"123")
    turned.node.advance(86_400)
    wanted = {"Namespace": "AWS/S3", "Dimensions": [{"Name": "BucketName", "Value": bucket}]}
    eventually(
        lambda: {metric["MetricName"] for metric in turned.cloudwatch.list_metrics(**wanted)["Metrics"]} == {"BucketSizeBytes", "NumberOfObjects"}
    )
    now = datetime.datetime.fromtimestamp(turned.node.get("/_tule/clock")["now_ms"] / 1000, datetime.UTC)
    for metric, kind, value in (("BucketSizeBytes", "StandardStorage", 8.0), ("NumberOfObjects", "AllStorageTypes", 2.0)):
        (point,) = turned.cloudwatch.get_metric_statistics(
            Namespace="AWS/S3",
            MetricName=metric,
            Dimensions=[{"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": kind}],
            Period=86_400,
            Statistics=["Average"],
            StartTime=now.replace(hour=0, minute=0, second=0, microsecond=0),
            EndTime=now + datetime.timedelta(minutes=1),
        )["Datapoints"]
        assert point["Average"] == value


def test_tables_count_items_that_expired(turned: Account) -> None:
    _make_table(turned, "expiring")
    turned.dynamodb.update_time_to_live(TableName="expiring", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    soon = turned.node.get("/_tule/clock")["now_ms"] // 1000 + 10
    turned.dynamodb.put_item(TableName="expiring", Item={"id": {"S": "a"}, "until": {"N": str(soon)}})
    turned.node.advance(20)
    wanted = {"Namespace": "AWS/DynamoDB", "MetricName": "TimeToLiveDeletedItemCount", "Dimensions": [{"Name": "TableName", "Value": "expiring"}]}
    eventually(lambda: len(turned.cloudwatch.list_metrics(**wanted)["Metrics"]) == 1)


def test_events_count_when_they_are_accepted_and_tried(aws: Account) -> None:
    create(aws, "later", code="def handler(event, context):\n    return 1\n")
    aws.lambda_.invoke(FunctionName="later", InvocationType="Event")
    seen = Seen(aws, "AWS/Lambda", FunctionName="later")
    assert seen.sums("AsyncEventsReceived") == [1.0]
    eventually(lambda: seen.statistic("Invocations") == 1.0)
    assert seen.sums("Invocations", "AsyncEventsDropped") == [1.0, None]
    assert (seen.statistic("AsyncEventAge", "Minimum") or 0) >= 0
    assert seen.statistic("AsyncEventAge", "SampleCount") == 1.0


def test_aliases_count_for_themselves(aws: Account) -> None:
    create(aws, "aliased", code="def handler(event, context):\n    return 1\n")
    version = aws.lambda_.publish_version(FunctionName="aliased")["Version"]
    aws.lambda_.create_alias(FunctionName="aliased", Name="live", FunctionVersion=version)
    aws.lambda_.invoke(FunctionName="aliased", Qualifier="live")
    seen = Seen(aws, "AWS/Lambda", FunctionName="aliased")
    assert seen.sums("Invocations") == [1.0]
    assert seen.statistic("Invocations", Resource="aliased:live") == 1.0
    assert seen.statistic("Invocations", Resource="aliased:live", ExecutedVersion=version) == 1.0
    assert seen.statistic("Invocations", Resource="aliased") is None
