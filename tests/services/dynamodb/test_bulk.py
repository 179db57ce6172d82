"""Bulk puts into tables that exist, and the bounds of replicas' scaling."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_exports import bucket, objects
from tests.services.dynamodb.test_tables import described, refused


def start(account: Account, name: str, source: str, **more: Any) -> dict[str, Any]:
    return account.dynamodb.start_bulk_put_items(
        TableName=name,
        InputS3Configuration={"S3Bucket": source, "S3KeyPrefix": "in/", "InputFormat": "DYNAMODB_JSON"},
        OutputS3Configuration={"S3Bucket": source, "S3KeyPrefix": "out", "OutputType": ["ERROR"]},
        **more,
    )["BulkOperationDescription"]


def test_items_of_a_bucket_are_put_and_errors_reported(turned: Account) -> None:
    name = make_table(turned, gsi="g:S")
    turned.dynamodb.put_item(TableName=name, Item={"p": {"S": "0"}, "old": {"BOOL": True}})
    source = bucket(turned)
    lines = [{"Item": {"p": {"S": str(number)}, "g": {"S": "x"}}} for number in range(120)] + [{"Item": {"p": {"N": "1"}}}, {"none": 1}]
    turned.s3.put_object(Bucket=source, Key="in/all.json", Body="\n".join(json.dumps(line) for line in lines).encode())
    begun = start(turned, name, source)
    assert (begun["BulkOperationStatus"], begun["PerformanceTier"]) == ("IN_PROGRESS", "STANDARD")
    turned.node.advance(1)
    shown = turned.dynamodb.describe_bulk_operation(BulkOperationArn=begun["BulkOperationArn"])["BulkOperationDescription"]
    assert (shown["BulkOperationStatus"], shown["ProcessedItemCount"], shown["FailedItemCount"]) == ("COMPLETED_WITH_ERRORS", 122, 2)
    assert turned.dynamodb.scan(TableName=name, IndexName="by-g", Select="COUNT")["Count"] == 120
    assert "old" not in turned.dynamodb.get_item(TableName=name, Key={"p": {"S": "0"}})["Item"]
    (report,) = [text for key, text in objects(turned, source).items() if key.startswith("out/")]
    assert len(report.splitlines()) == 2
    assert [one["BulkOperationArn"] for one in turned.dynamodb.list_bulk_operations()["BulkOperationsSummaryList"]] == [begun["BulkOperationArn"]]
    cancelled = turned.dynamodb.cancel_bulk_operation(BulkOperationArn=begun["BulkOperationArn"])
    assert cancelled["BulkOperationStatus"] == "COMPLETED_WITH_ERRORS"


def test_bulk_operations_are_listed_newest_first_in_pages(turned: Account) -> None:
    name = make_table(turned)
    source = bucket(turned)
    begun: list[str] = []
    for _ in range(3):
        begun.append(start(turned, name, source)["BulkOperationArn"])
        turned.node.advance(1)
    first = turned.dynamodb.list_bulk_operations(MaxResults=2)
    rest = turned.dynamodb.list_bulk_operations(NextToken=first["NextToken"])
    listed = first["BulkOperationsSummaryList"] + rest["BulkOperationsSummaryList"]
    assert [one["BulkOperationArn"] for one in listed] == begun[::-1]
    assert {one["BulkOperationStatus"] for one in listed} == {"FAILED"}  # there is nothing in the bucket


def test_units_are_brought_within_their_bounds(aws: Account) -> None:
    name = make_table(aws, gsi="g:S", units=1)
    bounds = {"MinimumUnits": 5, "MaximumUnits": 9, "ScalingPolicyUpdate": {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}}}
    aws.dynamodb.update_table_replica_auto_scaling(
        TableName=name,
        ProvisionedWriteCapacityAutoScalingUpdate=bounds,
        GlobalSecondaryIndexUpdates=[{"IndexName": "by-g", "ProvisionedWriteCapacityAutoScalingUpdate": bounds}],
        ReplicaUpdates=[{"RegionName": "us-east-1", "ReplicaProvisionedReadCapacityAutoScalingUpdate": {**bounds, "MinimumUnits": 6}}],
    )
    shown = described(aws, name)
    assert (shown["ProvisionedThroughput"]["ReadCapacityUnits"], shown["ProvisionedThroughput"]["WriteCapacityUnits"]) == (6, 5)
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    (replica,) = aws.dynamodb.describe_table_replica_auto_scaling(TableName=name)["TableAutoScalingDescription"]["Replicas"]
    settings = replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"]
    assert (settings["MinimumUnits"], settings["MaximumUnits"], settings["AutoScalingDisabled"]) == (5, 9, False)
    assert replica["GlobalSecondaryIndexes"][0]["ProvisionedReadCapacityAutoScalingSettings"] == {"AutoScalingDisabled": True}
    wrong = {"MinimumUnits": 9, "MaximumUnits": 5}
    assert (
        refused(aws, "update_table_replica_auto_scaling", TableName=name, ProvisionedWriteCapacityAutoScalingUpdate=wrong)[0] == "ValidationException"
    )
