"""Access points, and what holds for an account as a whole."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from tests.node import Account
from tests.services.s3.refusals import refusal


@pytest.fixture
def bucket(aws: Account) -> str:
    name = f"behind-{aws.id}"
    aws.s3.create_bucket(Bucket=name)
    aws.s3.put_object(Bucket=name, Key="k", Body=b"here")
    return name


def test_an_access_point_is_made_described_and_deleted(aws: Account, control: Any, bucket: str) -> None:
    own = {"AccountId": aws.id, "Name": "point"}
    made = control.create_access_point(**own, Bucket=bucket)
    assert made["AccessPointArn"] == f"arn:aws:s3:us-east-1:{aws.id}:accesspoint/point"
    assert made["Alias"].startswith("point-")
    assert made["Alias"].endswith("-s3alias")
    got = control.get_access_point(**own)
    assert (got["Name"], got["Bucket"], got["NetworkOrigin"], got["BucketAccountId"]) == ("point", bucket, "Internet", aws.id)
    assert all(got["PublicAccessBlockConfiguration"].values())
    assert got["Endpoints"]["ipv4"] == "s3-accesspoint.us-east-1.amazonaws.com"
    error = refusal(control.create_access_point, **own, Bucket=bucket)
    assert (error["Code"], error["Status"]) == ("AccessPointAlreadyOwnedByYou", 409)
    assert [each["Name"] for each in control.list_access_points(AccountId=aws.id, Bucket=bucket)["AccessPointList"]] == ["point"]
    control.delete_access_point(**own)
    assert refusal(control.get_access_point, **own)["Code"] == "NoSuchAccessPoint"
    assert refusal(aws.s3.get_object, Bucket=made["Alias"], Key="k")["Code"] == "NoSuchBucket"


def test_alias_arn_and_host_lead_to_the_bucket(aws: Account, control: Any, bucket: str) -> None:
    made = control.create_access_point(AccountId=aws.id, Name="point", Bucket=bucket)
    assert aws.s3.get_object(Bucket=made["Alias"], Key="k")["Body"].read() == b"here"
    by_host = aws.client("s3", endpoint_url=f"http://localhost:{urlsplit(aws.node.url).port}", config=Config(retries={"max_attempts": 1}))
    assert by_host.get_object(Bucket=made["AccessPointArn"], Key="k")["Body"].read() == b"here"
    assert by_host.list_objects_v2(Bucket=made["AccessPointArn"])["KeyCount"] == 1


def test_point_and_bucket_both_have_to_allow(aws: Account, control: Any, bucket: str) -> None:
    other = aws.node.fresh_account()
    made = control.create_access_point(AccountId=aws.id, Name="point", Bucket=bucket)
    read = {"Effect": "Allow", "Principal": {"AWS": other.id}, "Action": "s3:GetObject", "Resource": f"{made['AccessPointArn']}/object/*"}
    control.put_access_point_policy(AccountId=aws.id, Name="point", Policy=json.dumps({"Version": "2012-10-17", "Statement": [read]}))
    assert refusal(other.s3.get_object, Bucket=made["Alias"], Key="k")["Status"] == 403
    delegated = {"StringEquals": {"s3:DataAccessPointAccount": aws.id}}
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": delegated}
    aws.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert other.s3.get_object(Bucket=made["Alias"], Key="k")["Body"].read() == b"here"
    assert refusal(other.s3.get_object, Bucket=bucket, Key="k")["Status"] == 403
    assert control.get_access_point_policy_status(AccountId=aws.id, Name="point")["PolicyStatus"] == {"IsPublic": False}
    control.delete_access_point_policy(AccountId=aws.id, Name="point")
    assert refusal(control.get_access_point_policy, AccountId=aws.id, Name="point")["Code"] == "NoSuchAccessPointPolicy"
    assert refusal(other.s3.get_object, Bucket=made["Alias"], Key="k")["Status"] == 403


def test_an_account_blocks_public_access_for_all_its_buckets(aws: Account, control: Any, bucket: str) -> None:
    assert refusal(control.get_public_access_block, AccountId=aws.id)["Code"] == "NoSuchPublicAccessBlockConfiguration"
    control.put_public_access_block(AccountId=aws.id, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    assert control.get_public_access_block(AccountId=aws.id)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    later = f"later-{aws.id}"
    aws.s3.create_bucket(Bucket=later)
    for name in (bucket, later):
        aws.s3.delete_public_access_block(Bucket=name)
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        assert refusal(aws.s3.put_bucket_policy, Bucket=name, Policy=policy)["Code"] == "AccessDenied"
    control.delete_public_access_block(AccountId=aws.id)
    aws.s3.put_bucket_policy(Bucket=later, Policy=policy)


def test_tags_go_by_arn(aws: Account, control: Any, bucket: str) -> None:
    where = {"AccountId": aws.id, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    assert control.list_tags_for_resource(**where)["Tags"] == []
    control.tag_resource(**where, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    control.untag_resource(**where, TagKeys=["a", "none"])
    assert control.list_tags_for_resource(**where)["Tags"] == aws.s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "b", "Value": "2"}]


def test_storage_lens_is_kept(aws: Account, control: Any) -> None:
    lens = {"Id": "lens", "AccountLevel": {"BucketLevel": {}}, "IsEnabled": True}
    control.put_storage_lens_configuration(AccountId=aws.id, ConfigId="lens", StorageLensConfiguration=lens)
    assert [each["Id"] for each in control.list_storage_lens_configurations(AccountId=aws.id)["StorageLensConfigurationList"]] == ["lens"]
    control.delete_storage_lens_configuration(AccountId=aws.id, ConfigId="lens")
    assert refusal(control.get_storage_lens_configuration, AccountId=aws.id, ConfigId="lens")["Code"] == "NoSuchConfiguration"


def test_what_is_not_built_says_so_and_others_may_not(aws: Account, control: Any) -> None:
    assert refusal(control.list_access_grants_instances, AccountId=aws.id)["Status"] == 501
    assert refusal(control.list_access_points, AccountId="123123123123")["Status"] == 403
