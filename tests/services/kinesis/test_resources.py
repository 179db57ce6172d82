"""AWS::Kinesis in stacks."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account


def _template(stream: dict[str, Any]) -> str:
    arn = {"Fn::GetAtt": ["Stream", "Arn"]}
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kinesis:DescribeStreamSummary", "Resource": arn}
    resources = {
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": stream},
        "Consumer": {"Type": "AWS::Kinesis::StreamConsumer", "Properties": {"StreamARN": arn, "ConsumerName": "c"}},
        "Policy": {
            "Type": "AWS::Kinesis::ResourcePolicy",
            "Properties": {"ResourceArn": arn, "ResourcePolicy": {"Version": "2012-10-17", "Statement": [statement]}},
        },
    }
    outputs = {
        "Name": {"Value": {"Ref": "Stream"}},
        "Arn": {"Value": arn},
        "Consumer": {"Value": {"Ref": "Consumer"}},
        "Status": {"Value": {"Fn::GetAtt": ["Consumer", "ConsumerStatus"]}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def _outputs(aws: Account, waiter: str) -> dict[str, str]:
    aws.cloudformation.get_waiter(waiter).wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    stack = aws.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_stream_with_all_that_belongs_to_it_is_made_changed_and_deleted(aws: Account) -> None:
    first = {
        "ShardCount": 1,
        "RetentionPeriodHours": 48,
        "Tags": [{"Key": "a", "Value": "1"}],
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
    }
    aws.cloudformation.create_stack(StackName="stack", TemplateBody=_template(first))
    made = _outputs(aws, "stack_create_complete")
    name = made["Name"]
    assert name.startswith("stack-Stream-")
    assert made["Arn"] == f"arn:aws:kinesis:us-east-1:{aws.id}:stream/{name}"
    assert made["Status"] == "ACTIVE"
    assert aws.kinesis.describe_stream_consumer(ConsumerARN=made["Consumer"])["ConsumerDescription"]["ConsumerName"] == "c"
    assert "DescribeStreamSummary" in aws.kinesis.get_resource_policy(ResourceARN=made["Arn"])["Policy"]
    summary = aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"], summary["KeyId"]) == (1, 48, "alias/aws/kinesis")
    tags = {tag["Key"]: tag["Value"] for tag in aws.kinesis.list_tags_for_stream(StreamName=name)["Tags"]}
    assert tags["a"] == "1"

    second = {"ShardCount": 5, "DesiredShardLevelMetrics": ["IncomingBytes"], "MaxRecordSizeInKiB": 2048, "Tags": [{"Key": "b", "Value": "2"}]}
    aws.cloudformation.update_stack(StackName="stack", TemplateBody=_template(second))
    assert _outputs(aws, "stack_update_complete")["Name"] == name
    summary = aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"], summary["EncryptionType"]) == (5, 24, "NONE")
    assert (summary["MaxRecordSizeInKiB"], summary["EnhancedMonitoring"]) == (2048, [{"ShardLevelMetrics": ["IncomingBytes"]}])
    tags = {tag["Key"]: tag["Value"] for tag in aws.kinesis.list_tags_for_stream(StreamName=name)["Tags"]}
    assert tags["b"] == "2"
    assert "a" not in tags

    aws.cloudformation.delete_stack(StackName="stack")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert aws.kinesis.list_streams()["StreamNames"] == []
