"""AWS::S3::Bucket and AWS::S3::BucketPolicy in stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.node import Account
from tests.services.s3.refusals import refusal


def _bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def _create(aws: Account, resources: dict[str, Any], outputs: dict[str, Any] | None = None, name: str = "stack") -> dict[str, str]:
    """Make a stack; its outputs."""
    shown = {key: {"Value": value} for key, value in (outputs or {}).items()}
    template = {"Resources": resources, **({"Outputs": shown} if shown else {})}
    aws.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    aws.cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    stack = aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def _update(aws: Account, resources: dict[str, Any]) -> None:
    aws.cloudformation.update_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
    aws.cloudformation.get_waiter("stack_update_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _reasons(aws: Account, name: str = "stack") -> str:
    events = aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def test_a_bucket_with_nothing_said_gets_a_name_and_its_attributes(aws: Account) -> None:
    outputs = {
        "Name": {"Ref": "Things"},
        **{name: {"Fn::GetAtt": ["Things", name]} for name in ("Arn", "DomainName", "RegionalDomainName", "DualStackDomainName", "WebsiteURL")},
    }
    got = _create(aws, {"Things": {"Type": "AWS::S3::Bucket"}}, outputs)
    name = got["Name"]
    assert name.startswith("stack-things-")
    assert name == name.lower()
    assert got == {
        "Name": name,
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.us-east-1.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.us-east-1.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-us-east-1.amazonaws.com",
    }
    tags = {tag["Key"]: tag["Value"] for tag in aws.s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags["aws:cloudformation:logical-id"] == "Things"
    message = "System tags cannot be removed by requester"
    assert refusal(aws.s3.put_bucket_tagging, Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})["Message"] == message
    aws.cloudformation.delete_stack(StackName="stack")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
    assert refusal(aws.s3.head_bucket, Bucket=name)["Status"] == 404


def _all(name: str) -> dict[str, Any]:
    return _bucket(
        BucketName=name,
        VersioningConfiguration={"Status": "Enabled"},
        BucketEncryption={"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        CorsConfiguration={"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 7, "ExposedHeaders": ["ETag"]}]},
        LifecycleConfiguration={
            "Rules": [
                {"Id": "old", "Status": "Enabled", "ExpirationInDays": 3, "Prefix": "tmp/", "TagFilters": [{"Key": "a", "Value": "b"}]},
                {"Id": "parts", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
                {"Id": "cold", "Status": "Enabled", "Transitions": [{"TransitionInDays": 30, "StorageClass": "Glacier"}]},
            ]
        },
        WebsiteConfiguration={"IndexDocument": "i.html", "RoutingRules": [{"RedirectRule": {"HostName": "h"}}]},
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        PublicAccessBlockConfiguration={"BlockPublicAcls": False, "BlockPublicPolicy": False},
        AccessControl="BucketOwnerFullControl",
        NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        AccelerateConfiguration={"AccelerationStatus": "Suspended"},
        LoggingConfiguration={"LogFilePrefix": "log/"},
        Tags=[{"Key": "t", "Value": "1"}],
    )


def test_every_property_reaches_the_bucket_and_leaves_it_with_the_template(aws: Account) -> None:
    name = f"all-{aws.id}"
    template = _all(name)
    del template["Properties"]["AccessControl"]
    _create(aws, {"B": template | {"DeletionPolicy": "Delete"}})
    s3 = aws.s3
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"] == [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 7}
    ]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert [rule["Filter"] for rule in rules] == [{"And": {"Prefix": "tmp/", "Tags": [{"Key": "a", "Value": "b"}]}}, {"Prefix": ""}, {"Prefix": ""}]
    assert rules[2]["Transitions"] == [{"Days": 30, "StorageClass": "GLACIER"}]
    assert s3.get_bucket_website(Bucket=name)["IndexDocument"] == {"Suffix": "i.html"}
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    assert not any(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"] == {"TargetBucket": name, "TargetPrefix": "log/"}
    _update(aws, {"B": _bucket(BucketName=name, PublicAccessBlockConfiguration={"BlockPublicAcls": True})})
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert refusal(s3.get_bucket_cors, Bucket=name)["Code"] == "NoSuchCORSConfiguration"
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=name)["Code"] == "NoSuchLifecycleConfiguration"
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=name)
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True


def test_a_bucket_with_objects_fails_the_deletion_of_its_stack(aws: Account) -> None:
    name = _create(aws, {"B": _bucket()}, {"Name": {"Ref": "B"}})["Name"]
    aws.s3.put_object(Bucket=name, Key="k", Body=b"")
    aws.cloudformation.delete_stack(StackName="stack")
    with pytest.raises(WaiterError):
        aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert aws.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"] == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in _reasons(aws)


def test_a_policy_follows_its_template(aws: Account) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": {"Fn::GetAtt": ["B", "Arn"]}}
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Statement": [statement]}}}
    name = _create(aws, {"B": _bucket(), "P": policy}, {"Name": {"Ref": "B"}})["Name"]
    assert json.loads(aws.s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"][0]["Resource"] == f"arn:aws:s3:::{name}"
    _update(aws, {"B": _bucket()})
    assert refusal(aws.s3.get_bucket_policy, Bucket=name)["Code"] == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"MetadataTableConfiguration": {"S3TablesDestination": {"TableBucketArn": "a", "TableName": "t"}}}, "MetadataTableConfiguration"),
    ],
)
def test_a_property_that_is_not_built_is_refused_before_anything_is_created(aws: Account, properties: dict[str, Any], named: str) -> None:
    template = json.dumps({"Resources": {"B": _bucket(BucketName=f"refused-{aws.id}", **properties)}})
    error = refusal(aws.cloudformation.create_stack, StackName="stack", TemplateBody=template)
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)
    assert named in error["Message"]
    assert aws.cloudformation.describe_stacks()["Stacks"] == []
    assert refusal(aws.s3.head_bucket, Bucket=f"refused-{aws.id}")["Status"] == 404


def test_configurations_with_ids_follow_their_template(aws: Account) -> None:
    inventory = {
        "Id": "all",
        "Enabled": True,
        "IncludedObjectVersions": "Current",
        "ScheduleFrequency": "Daily",
        "Destination": {"BucketArn": "arn:aws:s3:::elsewhere", "Format": "CSV"},
    }
    analytics = {"Id": "cold", "Prefix": "logs/", "TagFilters": [{"Key": "a", "Value": "b"}], "StorageClassAnalysis": {}}
    tiering = {"Id": "deep", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}]}
    first = _bucket(
        ObjectLockEnabled=True,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}},
        InventoryConfigurations=[inventory],
        AnalyticsConfigurations=[analytics],
        IntelligentTieringConfigurations=[tiering],
        MetricsConfigurations=[{"Id": "one", "Prefix": "p"}, {"Id": "two"}],
        AbacStatus="Enabled",
    )
    name = _create(aws, {"B": first}, {"Name": {"Ref": "B"}})["Name"]
    assert aws.s3.get_bucket_inventory_configuration(Bucket=name, Id="all")["InventoryConfiguration"]["Schedule"] == {"Frequency": "Daily"}
    both = {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}
    assert aws.s3.get_bucket_analytics_configuration(Bucket=name, Id="cold")["AnalyticsConfiguration"]["Filter"] == {"And": both}
    found = aws.s3.get_bucket_intelligent_tiering_configuration(Bucket=name, Id="deep")["IntelligentTieringConfiguration"]
    assert found["Tierings"] == tiering["Tierings"]
    lock = aws.s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 3}
    assert aws.s3.get_bucket_abac(Bucket=name)["AbacStatus"] == {"Status": "Enabled"}
    _update(aws, {"B": _bucket(**{**first["Properties"], "MetricsConfigurations": [{"Id": "two", "Prefix": "new"}]})})
    assert aws.s3.list_bucket_metrics_configurations(Bucket=name)["MetricsConfigurationList"] == [{"Id": "two", "Filter": {"Prefix": "new"}}]


def test_an_access_point_follows_its_template(aws: Account) -> None:
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    point = {"Type": "AWS::S3::AccessPoint", "Properties": {"Bucket": {"Ref": "B"}, "Name": f"p-{aws.id}"}}
    outputs = {"Alias": {"Fn::GetAtt": ["P", "Alias"]}, "Arn": {"Fn::GetAtt": ["P", "Arn"]}, "Name": {"Ref": "P"}, "Bucket": {"Ref": "B"}}
    got = _create(aws, {"B": _bucket(), "P": point}, outputs)
    assert (got["Name"], got["Arn"]) == (f"p-{aws.id}", f"arn:aws:s3:us-east-1:{aws.id}:accesspoint/p-{aws.id}")
    aws.s3.put_object(Bucket=got["Alias"], Key="k", Body=b"by alias")
    assert aws.s3.get_object(Bucket=got["Bucket"], Key="k")["Body"].read() == b"by alias"
    policy["Statement"][0]["Resource"] = f"{got['Arn']}/object/*"
    _update(aws, {"B": _bucket(), "P": {**point, "Properties": {**point["Properties"], "Policy": policy}}})
    assert refusal(aws.s3.get_object, Bucket=got["Alias"], Key="k")["Status"] == 403


def test_storage_lens_follows_its_template(aws: Account) -> None:
    lens = {"Id": "all", "AccountLevel": {"BucketLevel": {}}, "IsEnabled": True}
    group = {"Name": "cold", "Filter": {"MatchAnyPrefix": ["logs/"]}}
    resources = {
        "Lens": {"Type": "AWS::S3::StorageLens", "Properties": {"StorageLensConfiguration": lens}},
        "Group": {"Type": "AWS::S3::StorageLensGroup", "Properties": group},
    }
    outputs = {"Lens": {"Fn::GetAtt": ["Lens", "StorageLensConfiguration.StorageLensArn"]}, "Group": {"Fn::GetAtt": ["Group", "StorageLensGroupArn"]}}
    arn = f"arn:aws:s3:us-east-1:{aws.id}"
    assert _create(aws, resources, outputs) == {"Lens": f"{arn}:storage-lens/all", "Group": f"{arn}:storage-lens-group/cold"}


def test_what_s3_refuses_leaves_nothing(aws: Account) -> None:
    template = json.dumps({"Resources": {"B": _bucket(BucketName=f"refused-{aws.id}", AccessControl="PublicRead")}})
    assert "The bucket does not allow ACLs" in _failure(aws, template)
    assert refusal(aws.s3.head_bucket, Bucket=f"refused-{aws.id}")["Status"] == 404


def test_a_name_that_is_taken_is_not_taken_over(aws: Account, bucket: str) -> None:
    reasons = _failure(aws, json.dumps({"Resources": {"B": _bucket(BucketName=bucket)}}))
    assert f"Resource of type 'AWS::S3::Bucket' with identifier '{bucket}' already exists." in reasons
    aws.s3.head_bucket(Bucket=bucket)


def _failure(aws: Account, template: str) -> str:
    """Why this stack is not created."""
    aws.cloudformation.create_stack(StackName="stack", TemplateBody=template)
    with pytest.raises(WaiterError):
        aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
    return _reasons(aws)
