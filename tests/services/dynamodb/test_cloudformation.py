"""Tables of stacks: AWS::DynamoDB::Table, GlobalTable, and SAM's SimpleTable."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.node import Account
from tests.services.dynamodb.test_tables import described

Template = dict[str, Any]
WAIT = {"Delay": 1, "MaxAttempts": 60}
ABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
P = [{"AttributeName": "p", "KeyType": "HASH"}]
BY_G = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}


def kinds(names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def deploy(aws: Account, resources: Template, **more: Any) -> dict[str, str]:
    """The outputs of the stack `stack`, made or changed."""
    exists = any(one["StackStatus"] != "DELETE_COMPLETE" for one in aws.cloudformation.list_stacks()["StackSummaries"])
    body = json.dumps({"Resources": resources, **more})
    call = aws.cloudformation.update_stack if exists else aws.cloudformation.create_stack
    call(StackName="stack", TemplateBody=body, Capabilities=ABILITIES)
    try:
        aws.cloudformation.get_waiter("stack_update_complete" if exists else "stack_create_complete").wait(StackName="stack", WaiterConfig=WAIT)
    except WaiterError as error:
        events = aws.cloudformation.describe_stack_events(StackName="stack")["StackEvents"]
        raise AssertionError([event.get("ResourceStatusReason") for event in events]) from error
    stack = aws.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def delete(aws: Account) -> None:
    aws.cloudformation.delete_stack(StackName="stack")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig=WAIT)


OUTPUTS = {
    "Name": {"Value": {"Ref": "Table"}},
    "Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}},
}


def test_a_table_with_everything_and_its_life(aws: Account) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*"}]}
    properties: Template = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": kinds("pg"),
        "KeySchema": P,
        "GlobalSecondaryIndexes": [{**BY_G, "ContributorInsightsSpecification": {"Enabled": True}}],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
        "SSESpecification": {"SSEEnabled": True},
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "DeletionProtectionEnabled": True,
        "ResourcePolicy": {"PolicyDocument": policy},
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    outputs = {**OUTPUTS, "Stream": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}}}
    made = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}, Outputs=outputs)
    name = made["Name"]
    assert name.startswith("stack-Table-")
    shown = described(aws, name)
    assert (shown["TableArn"], shown["LatestStreamArn"]) == (made["Arn"], made["Stream"])
    assert (shown["DeletionProtectionEnabled"], shown["TableClassSummary"]["TableClass"]) == (True, "STANDARD_INFREQUENT_ACCESS")
    assert shown["SSEDescription"]["Status"] == "ENABLED"
    assert aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "until"
    recovery = aws.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", 7)
    assert aws.dynamodb.describe_contributor_insights(TableName=name, IndexName="by-g")["ContributorInsightsStatus"] == "ENABLED"
    assert json.loads(aws.dynamodb.get_resource_policy(ResourceArn=made["Arn"])["Policy"]) == policy
    tags = {tag["Key"]: tag["Value"] for tag in aws.dynamodb.list_tags_of_resource(ResourceArn=made["Arn"])["Tags"]}
    assert tags["a"] == "1"

    changed = copy.deepcopy(properties)
    for member in ("ResourcePolicy", "SSESpecification", "TableClass", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification"):
        del changed[member]
    changed |= {
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": UNITS,
        "GlobalSecondaryIndexes": [{**BY_G, "ProvisionedThroughput": UNITS}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
        "Tags": [{"Key": "b", "Value": "2"}],
    }
    again = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": changed}}, Outputs=outputs)
    assert again["Name"] == name
    assert again["Stream"] != made["Stream"]
    shown = described(aws, name)
    assert (shown["ProvisionedThroughput"]["WriteCapacityUnits"], shown["StreamSpecification"]["StreamViewType"]) == (2, "KEYS_ONLY")
    assert (shown["DeletionProtectionEnabled"], "SSEDescription" in shown) == (False, False)
    tags = {tag["Key"]: tag["Value"] for tag in aws.dynamodb.list_tags_of_resource(ResourceArn=made["Arn"])["Tags"]}
    assert ("a" in tags, tags["b"]) == (False, "2")
    with pytest.raises(aws.dynamodb.exceptions.PolicyNotFoundException):
        aws.dynamodb.get_resource_policy(ResourceArn=made["Arn"])
    delete(aws)
    assert aws.dynamodb.list_tables()["TableNames"] == []


def test_indexes_come_and_go_one_at_a_time(aws: Account) -> None:
    table: Template = {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": kinds("p"), "KeySchema": P}
    name = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}, Outputs=OUTPUTS)["Name"]
    aws.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "g": {"S": "x"}})
    indexed = {**table, "AttributeDefinitions": kinds("pg"), "GlobalSecondaryIndexes": [BY_G]}
    deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": indexed}}, Outputs=OUTPUTS)
    assert aws.dynamodb.scan(TableName=name, IndexName="by-g")["Count"] == 1
    two = {**indexed, "AttributeDefinitions": kinds("pgh"), "GlobalSecondaryIndexes": [{**BY_G, "IndexName": one} for one in ("one", "two")]}
    with pytest.raises(AssertionError, match="more than one GSI creation or deletion in a single update"):
        deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": two}}, Outputs=OUTPUTS)
    deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}, Outputs=OUTPUTS)
    assert "GlobalSecondaryIndexes" not in described(aws, name)


def test_another_key_makes_another_table(aws: Account) -> None:
    table: Template = {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": kinds("p"), "KeySchema": P}
    first = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}, Outputs=OUTPUTS)["Name"]
    other = {**table, "AttributeDefinitions": kinds("q"), "KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}]}
    second = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": other}}, Outputs=OUTPUTS)["Name"]
    assert first != second
    assert aws.dynamodb.list_tables()["TableNames"] == [second]


def test_a_stacks_table_begins_with_what_lies_in_a_bucket(aws: Account) -> None:
    bucket = f"source-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="data.csv", Body=b"p,v\na,1\nb,2\n")
    properties = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": kinds("p"),
        "KeySchema": P,
        "ImportSourceSpecification": {"InputFormat": "CSV", "S3BucketSource": {"S3Bucket": bucket}},
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    made = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}, Outputs=OUTPUTS)
    assert aws.dynamodb.scan(TableName=made["Name"])["Count"] == 2
    assert {"Key": "a", "Value": "1"} in aws.dynamodb.list_tags_of_resource(ResourceArn=made["Arn"])["Tags"]


def test_a_global_table_has_replicas_with_settings_of_their_own(aws: Account) -> None:
    def properties(*regions: str) -> Template:
        return {
            "TableName": "world",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": kinds("p"),
            "KeySchema": P,
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "Replicas": [
                {
                    "Region": region,
                    "Tags": [{"Key": "in", "Value": region}],
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": region != "us-east-1"},
                }
                for region in regions
            ],
        }

    outputs = {"Id": {"Value": {"Fn::GetAtt": ["Table", "TableId"]}}}
    first = {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties("us-east-1", "eu-west-1")}}
    made = deploy(aws, first, Outputs=outputs)
    shown = described(aws, "world")
    assert made["Id"] == shown["TableId"]
    assert [replica["RegionName"] for replica in shown["Replicas"]] == ["eu-west-1"]
    away = aws.client("dynamodb", region_name="eu-west-1")
    arn = away.describe_table(TableName="world")["Table"]["TableArn"]
    assert {"Key": "in", "Value": "eu-west-1"} in away.list_tags_of_resource(ResourceArn=arn)["Tags"]
    recovery = away.describe_continuous_backups(TableName="world")["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    deploy(aws, {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties("us-east-1")}}, Outputs=outputs)
    assert away.list_tables()["TableNames"] == []
    delete(aws)
    assert aws.dynamodb.list_tables()["TableNames"] == []


def test_replicas_of_a_stack_have_reads_and_stream_policies_of_their_own(aws: Account) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": aws.id}, "Action": "dynamodb:GetRecords", "Resource": "*"}
    policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    bounds = {"MinCapacity": 2, "MaxCapacity": 4, "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70}}
    writes = {"WriteCapacityAutoScalingSettings": bounds}

    def properties(reads: int) -> Template:
        return {
            "TableName": "read",
            "BillingMode": "PROVISIONED",
            "AttributeDefinitions": kinds("pg"),
            "KeySchema": P,
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "WriteProvisionedThroughputSettings": writes,
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    "WriteProvisionedThroughputSettings": writes,
                }
            ],
            "Replicas": [
                {"Region": "us-east-1"},
                {
                    "Region": "eu-west-1",
                    "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": reads},
                    "GlobalSecondaryIndexes": [{"IndexName": "by-g", "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": reads + 1}}],
                    "ReplicaStreamSpecification": {"ResourcePolicy": policy},
                },
            ],
        }

    away = aws.client("dynamodb", region_name="eu-west-1")
    for reads in (3, 8):
        deploy(aws, {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties(reads)}})
        shown = away.describe_table(TableName="read")["Table"]
        units = (shown["ProvisionedThroughput"], shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"])
        assert [one["ReadCapacityUnits"] for one in units] == [reads, reads + 1]
        assert json.loads(away.get_resource_policy(ResourceArn=shown["LatestStreamArn"])["Policy"]) == policy["PolicyDocument"]


def test_sam_gives_a_function_its_table(aws: Account) -> None:
    code = (
        "import boto3, os\n"
        "def handler(event, context):\n"
        "    table = boto3.resource('dynamodb').Table(os.environ['TABLE'])\n"
        "    table.put_item(Item={'id': 'a', 'n': 1})\n"
        "    return table.get_item(Key={'id': 'a'})['Item']['id']\n"
    )
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "InlineCode": code,
        "Policies": [{"DynamoDBCrudPolicy": {"TableName": {"Ref": "Table"}}}],
        "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
    }
    resources = {"Table": {"Type": "AWS::Serverless::SimpleTable"}, "Function": {"Type": "AWS::Serverless::Function", "Properties": function}}
    outputs = {"Function": {"Value": {"Ref": "Function"}}}
    made = deploy(aws, resources, Transform="AWS::Serverless-2016-10-31", Outputs=outputs)
    answer = aws.lambda_.invoke(FunctionName=made["Function"])
    assert json.loads(answer["Payload"].read()) == "a"


def test_an_update_that_fails_half_way_is_rolled_back(aws: Account) -> None:
    table: Template = {
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": UNITS,
        "AttributeDefinitions": kinds("p"),
        "KeySchema": P,
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    }
    name = deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}, Outputs=OUTPUTS)["Name"]
    broken = {
        **table,
        "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7},
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"},
        "KinesisStreamSpecification": {"StreamArn": f"arn:aws:kinesis:us-east-1:{aws.id}:stream/nowhere"},
    }
    with pytest.raises(AssertionError):
        deploy(aws, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": broken}}, Outputs=OUTPUTS)
    assert aws.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    shown = described(aws, name)
    assert (shown["ProvisionedThroughput"]["ReadCapacityUnits"], shown["StreamSpecification"]["StreamViewType"]) == (1, "KEYS_ONLY")


def test_changes_go_to_a_kinesis_stream_of_the_stack(aws: Account) -> None:
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
    table: Template = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": kinds("p"),
        "KeySchema": P,
        "KinesisStreamSpecification": {
            "StreamArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        },
    }
    resources = {"Stream": stream, "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}
    name = deploy(aws, resources, Outputs=OUTPUTS)["Name"]
    (destination,) = aws.dynamodb.describe_kinesis_streaming_destination(TableName=name)["KinesisDataStreamDestinations"]
    assert (destination["DestinationStatus"], destination["ApproximateCreationDateTimePrecision"]) == ("ACTIVE", "MICROSECOND")
    without = {member: value for member, value in table.items() if member != "KinesisStreamSpecification"}
    deploy(aws, {"Stream": stream, "Table": {"Type": "AWS::DynamoDB::Table", "Properties": without}}, Outputs=OUTPUTS)
    left = aws.dynamodb.describe_kinesis_streaming_destination(TableName=name)["KinesisDataStreamDestinations"]
    assert [one["DestinationStatus"] for one in left] in ([], ["DISABLED"], ["DISABLING"])


def test_a_provisioned_global_table_begins_with_its_least_capacity(aws: Account) -> None:
    def settings(kind: str, least: int) -> Template:
        policy = {"TargetValue": 70}
        bounds = {"MinCapacity": least, "MaxCapacity": 20, "TargetTrackingScalingPolicyConfiguration": policy}
        return {f"{kind}ProvisionedThroughputSettings": {f"{kind}CapacityAutoScalingSettings": bounds}}

    properties: Template = {
        "TableName": "scaled",
        "BillingMode": "PROVISIONED",
        "AttributeDefinitions": kinds("p"),
        "KeySchema": P,
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        **settings("Write", 4),
        "Replicas": [{"Region": "us-east-1", **settings("Read", 3)}, {"Region": "eu-west-1", **settings("Read", 6)}],
    }
    deploy(aws, {"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}})
    away = aws.client("dynamodb", region_name="eu-west-1")
    here, there = (client.describe_table(TableName="scaled")["Table"]["ProvisionedThroughput"] for client in (aws.dynamodb, away))
    assert (here["ReadCapacityUnits"], here["WriteCapacityUnits"]) == (3, 4)
    assert (there["ReadCapacityUnits"], there["WriteCapacityUnits"]) == (6, 4)
    shown = aws.dynamodb.describe_table_replica_auto_scaling(TableName="scaled")["TableAutoScalingDescription"]["Replicas"]
    assert [one["ReplicaProvisionedReadCapacityAutoScalingSettings"]["MinimumUnits"] for one in shown] == [6, 3]
