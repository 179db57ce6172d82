"""Delivery streams: made, described, listed, changed, tagged, deleted."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.firehose.house import bucket, destination, document, processing, put, refusal, role


def _made(aws: Account, name: str = "d", **more: object) -> dict[str, object]:
    config = destination(role(aws), bucket(aws), **more)
    aws.firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=config)
    return config


def _described(aws: Account, name: str = "d") -> dict[str, object]:
    return aws.firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]


def test_a_stream_is_described_with_its_defaults(aws: Account) -> None:
    config = _made(aws)
    described = _described(aws)
    assert described.pop("CreateTimestamp").timestamp() > 1_600_000_000  # type: ignore[attr-defined]
    (shown,) = described.pop("Destinations")  # type: ignore[misc]
    assert described == {
        "DeliveryStreamName": "d",
        "DeliveryStreamARN": f"arn:aws:firehose:us-east-1:{aws.id}:deliverystream/d",
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": "DirectPut",
        "VersionId": "1",
        "HasMoreDestinations": False,
    }
    s3 = {
        **config,
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    extended = {**s3, "S3BackupMode": "Disabled", "ProcessingConfiguration": {"Enabled": False, "Processors": []}}
    assert shown == {
        "DestinationId": "destinationId-000000000001",
        "S3DestinationDescription": s3,
        "ExtendedS3DestinationDescription": extended,
    }


def test_a_stream_is_made_once_and_named_when_it_is_not_there(aws: Account) -> None:
    config = _made(aws)
    with pytest.raises(ClientError) as error:
        aws.firehose.create_delivery_stream(DeliveryStreamName="d", S3DestinationConfiguration=config)
    assert refusal(error) == ("ResourceInUseException", f"Firehose d under accountId {aws.id} already exists")
    aws.firehose.delete_delivery_stream(DeliveryStreamName="d")
    with pytest.raises(ClientError) as error:
        aws.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x"})
    assert refusal(error) == ("ResourceNotFoundException", f"Firehose d under account {aws.id} not found.")


def test_streams_are_listed_by_kind_and_in_pages(aws: Account) -> None:
    config = destination(role(aws), bucket(aws))
    for name in ("c", "a", "b"):
        aws.firehose.create_delivery_stream(DeliveryStreamName=name, S3DestinationConfiguration=config)
    page = aws.firehose.list_delivery_streams(Limit=2)
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    assert aws.firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="b")["DeliveryStreamNames"] == ["c"]
    assert aws.firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"] == []


def test_an_update_keeps_what_it_does_not_name_and_needs_the_current_version(aws: Account) -> None:
    _made(aws, Prefix="a/", CompressionFormat="GZIP")
    named = {"DeliveryStreamName": "d", "DestinationId": "destinationId-000000000001"}
    aws.firehose.update_destination(**named, CurrentDeliveryStreamVersionId="1", ExtendedS3DestinationUpdate={"Prefix": "b/"})
    described = _described(aws)
    shown = described["Destinations"][0]["ExtendedS3DestinationDescription"]  # type: ignore[index]
    assert (described["VersionId"], shown["Prefix"], shown["CompressionFormat"]) == ("2", "b/", "GZIP")
    with pytest.raises(ClientError) as error:
        aws.firehose.update_destination(**named, CurrentDeliveryStreamVersionId="1", ExtendedS3DestinationUpdate={"Prefix": "c/"})
    assert refusal(error)[0] == "ConcurrentModificationException"


def test_a_stream_changes_to_another_kind_of_destination(aws: Account) -> None:
    config = _made(aws)
    update = {
        "EndpointConfiguration": {"Url": "https://example.com", "Name": "e", "AccessKey": "secret"},
        "S3Update": config,
        "RequestConfiguration": {"ContentEncoding": "GZIP"},
    }
    aws.firehose.update_destination(
        DeliveryStreamName="d", DestinationId="destinationId-000000000001", CurrentDeliveryStreamVersionId="1", HttpEndpointDestinationUpdate=update
    )
    shown = _described(aws)["Destinations"][0]["HttpEndpointDestinationDescription"]  # type: ignore[index]
    assert shown["EndpointConfiguration"] == {"Url": "https://example.com", "Name": "e"}
    assert shown["RetryOptions"] == {"DurationInSeconds": 300}
    assert shown["S3BackupMode"] == "FailedDataOnly"
    assert shown["S3DestinationDescription"]["BucketARN"] == config["BucketARN"]


def test_what_contradicts_itself_is_refused(aws: Account) -> None:
    config = destination(role(aws), bucket(aws))
    partitioned = {"DynamicPartitioningConfiguration": {"Enabled": True}, "ErrorOutputPrefix": "e/!{firehose:error-output-type}/"}
    query = {"MetadataExtractionQuery": "{a: .a}", "JsonParsingEngine": "JQ-1.6"}
    by_query = {"Prefix": "!{partitionKeyFromQuery:a}/", "ProcessingConfiguration": processing(("MetadataExtraction", query))}
    for wrong in (
        {"Prefix": "a/!{timestamp:yyyy}/"},
        {"Prefix": "!{nowhere:x}/", "ErrorOutputPrefix": "e/"},
        {"Prefix": "!{timestamp:yyyy/q}", "ErrorOutputPrefix": "e/"},
        {"ErrorOutputPrefix": "e/!{timestamp:yyyy}/"},
        {"S3BackupMode": "Enabled"},
        {"CustomTimeZone": "Moon/Tycho"},
        {**partitioned, "Prefix": "x/"},
        {**partitioned, "Prefix": "!{partitionKeyFromQuery:a}/"},
        {"Prefix": "!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "e/"},
        {**partitioned, **by_query, "BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}},
    ):
        with pytest.raises(ClientError) as error:
            aws.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration={**config, **wrong})
        assert refusal(error)[0] == "InvalidArgumentException", wrong
    aws.firehose.create_delivery_stream(DeliveryStreamName="right", ExtendedS3DestinationConfiguration={**config, **partitioned, **by_query})
    with pytest.raises(ClientError) as error:
        aws.firehose.create_delivery_stream(DeliveryStreamName="d")
    assert refusal(error)[0] == "InvalidArgumentException"
    with pytest.raises(ClientError) as error:
        aws.firehose.create_delivery_stream(DeliveryStreamName="d", DeliveryStreamType="MSKAsSource", S3DestinationConfiguration=config)
    assert refusal(error)[0] == "NotImplemented"


def test_tags_are_added_listed_and_removed(aws: Account) -> None:
    _made(aws)
    assert aws.firehose.list_tags_for_delivery_stream(DeliveryStreamName="d")["Tags"] == []
    aws.firehose.tag_delivery_stream(DeliveryStreamName="d", Tags=[{"Key": "subject", "Value": "taboo"}, {"Key": "a", "Value": "1"}])
    listed = aws.firehose.list_tags_for_delivery_stream(DeliveryStreamName="d", Limit=1)
    assert (listed["Tags"], listed["HasMoreTags"]) == ([{"Key": "a", "Value": "1"}], True)
    aws.firehose.untag_delivery_stream(DeliveryStreamName="d", TagKeys=["a"])
    listed = aws.firehose.list_tags_for_delivery_stream(DeliveryStreamName="d")
    assert (listed["Tags"], listed["HasMoreTags"]) == ([{"Key": "subject", "Value": "taboo"}], False)


def test_encryption_is_said_and_shown(aws: Account) -> None:
    _made(aws)
    aws.firehose.start_delivery_stream_encryption(DeliveryStreamName="d")
    assert _described(aws)["DeliveryStreamEncryptionConfiguration"] == {"KeyType": "AWS_OWNED_CMK", "Status": "ENABLED"}
    assert aws.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x"})["Encrypted"]
    aws.firehose.stop_delivery_stream_encryption(DeliveryStreamName="d")
    assert _described(aws)["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}


def test_a_record_has_at_most_1000_kib_and_a_batch_4_mib(aws: Account) -> None:
    _made(aws)
    put(aws, "d", b"x" * 1_024_000)
    with pytest.raises(ClientError) as error:
        aws.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x" * 1_024_001})
    assert refusal(error)[0] in ("ValidationException", "InvalidArgumentException")
    with pytest.raises(ClientError) as error:
        aws.firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": b"x" * 1_000_000}] * 5)
    assert refusal(error)[0] == "InvalidArgumentException"
    answer = aws.firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": b"x"}] * 500)
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 500


def test_a_user_puts_where_a_policy_lets_and_passes_only_roles_that_it_may(aws: Account) -> None:
    config = _made(aws)
    aws.iam.create_user(UserName="u")
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    statements = [
        {"Effect": "Allow", "Action": "firehose:PutRecord", "Resource": f"arn:aws:firehose:*:{aws.id}:deliverystream/d"},
        {"Effect": "Allow", "Action": "firehose:CreateDeliveryStream", "Resource": "*"},
    ]
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document(*statements))
    user = aws.client("firehose", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    user.put_record(DeliveryStreamName="d", Record={"Data": b"x"})
    with pytest.raises(ClientError) as error:
        user.put_record_batch(DeliveryStreamName="d", Records=[{"Data": b"x"}])
    assert refusal(error)[0] == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        user.create_delivery_stream(DeliveryStreamName="e", S3DestinationConfiguration=config)
    assert "iam:PassRole" in refusal(error)[1]


def test_a_stack_makes_changes_and_deletes_a_stream(aws: Account) -> None:
    config = destination(role(aws), bucket(aws), Prefix="a/")

    def template(**properties: object) -> str:
        stream = {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": properties}
        outputs = {"Name": {"Value": {"Ref": "D"}}, "Arn": {"Value": {"Fn::GetAtt": ["D", "Arn"]}}}
        return json.dumps({"Resources": {"D": stream}, "Outputs": outputs})

    aws.cloudformation.create_stack(
        StackName="stack", TemplateBody=template(ExtendedS3DestinationConfiguration=config, Tags=[{"Key": "a", "Value": "1"}])
    )
    aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    stack = aws.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    name = made["Name"]
    assert made["Arn"] == f"arn:aws:firehose:us-east-1:{aws.id}:deliverystream/{name}"
    tags = {tag["Key"]: tag["Value"] for tag in aws.firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"]}
    assert tags["a"] == "1"
    aws.cloudformation.update_stack(StackName="stack", TemplateBody=template(ExtendedS3DestinationConfiguration={**config, "Prefix": "b/"}))
    aws.cloudformation.get_waiter("stack_update_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = _described(aws, name)
    assert described["VersionId"] == "2"
    assert described["Destinations"][0]["ExtendedS3DestinationDescription"]["Prefix"] == "b/"  # type: ignore[index]
    aws.cloudformation.delete_stack(StackName="stack")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert aws.firehose.list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_stack_with_a_conversion_is_refused_before_anything_is_made(aws: Account) -> None:
    conversion = {"Enabled": True, "SchemaConfiguration": {"DatabaseName": "d"}}
    config = destination(role(aws), bucket(aws), DataFormatConversionConfiguration=conversion)
    stream = {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": {"ExtendedS3DestinationConfiguration": config}}
    resources = {"D": stream, "K": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "unmade", "ShardCount": 1}}}
    with pytest.raises(ClientError) as error:
        aws.cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
    assert refusal(error)[0] == "NotImplemented"
    assert "DataFormatConversionConfiguration is not implemented" in refusal(error)[1]
    assert aws.kinesis.list_streams()["StreamNames"] == []
