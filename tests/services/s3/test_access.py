"""Who may: policies of users and of buckets, ACLs, public access and its blocking."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.node import Account
from tests.services.s3.refusals import refusal


def _statement(bucket: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", **more}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _anonymous(aws: Account) -> Any:
    return aws.client("s3", config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}))


def _user(aws: Account, name: str, *statements: dict[str, Any]) -> Any:
    """S3 as a user with just these permissions."""
    aws.iam.create_user(UserName=name)
    aws.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_policy(*statements))
    key = aws.iam.create_access_key(UserName=name)["AccessKey"]
    return aws.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def _allow(actions: str | list[str], *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


@pytest.fixture
def filled(aws: Account, bucket: str) -> str:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return bucket


def test_nobody_reads_without_credentials_until_a_policy_lets_them(aws: Account, filled: str) -> None:
    anonymous = _anonymous(aws)
    assert refusal(anonymous.get_object, Bucket=filled, Key="k")["Status"] == 403
    error = refusal(aws.s3.put_bucket_policy, Bucket=filled, Policy=_policy(_statement(filled)))
    assert (error["Code"], "BlockPublicPolicy" in error["Message"]) == ("AccessDenied", True)
    aws.s3.delete_public_access_block(Bucket=filled)
    aws.s3.put_bucket_policy(Bucket=filled, Policy=_policy(_statement(filled)))
    assert aws.s3.get_bucket_policy_status(Bucket=filled)["PolicyStatus"]["IsPublic"] is True
    assert anonymous.get_object(Bucket=filled, Key="k")["Body"].read() == b"x"
    assert refusal(anonymous.list_objects_v2, Bucket=filled)["Status"] == 403
    assert refusal(anonymous.put_object, Bucket=filled, Key="k", Body=b"y")["Status"] == 403


def test_a_public_policy_does_not_let_strangers_in_while_public_buckets_are_restricted(aws: Account, filled: str) -> None:
    aws.s3.delete_public_access_block(Bucket=filled)
    aws.s3.put_bucket_policy(Bucket=filled, Policy=_policy(_statement(filled)))
    aws.s3.put_public_access_block(Bucket=filled, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert refusal(_anonymous(aws).get_object, Bucket=filled, Key="k")["Status"] == 403
    assert aws.s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"x"


def test_another_account_needs_the_buckets_policy(aws: Account, filled: str) -> None:
    other = aws.node.fresh_account()
    error = refusal(other.s3.get_object, Bucket=filled, Key="k")
    assert (error["Code"], error["Message"], error["Status"]) == ("AccessDenied", "Access Denied", 403)
    aws.s3.put_bucket_policy(Bucket=filled, Policy=_policy(_statement(filled, Principal={"AWS": other.id})))
    assert other.s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"x"


def test_a_deny_of_the_bucket_binds_the_accounts_root(aws: Account, filled: str) -> None:
    deny = _statement(filled, Effect="Deny", Action="s3:DeleteObject")
    aws.s3.put_bucket_policy(Bucket=filled, Policy=_policy(deny))
    assert refusal(aws.s3.delete_object, Bucket=filled, Key="k")["Code"] == "AccessDenied"
    done = aws.s3.delete_objects(Bucket=filled, Delete={"Objects": [{"Key": "k"}]})
    assert [(each["Key"], each["Code"]) for each in done["Errors"]] == [("k", "AccessDenied")]


def test_who_may_not_list_does_not_learn_that_a_key_is_missing(aws: Account, filled: str) -> None:
    reader = _user(aws, "reader", _allow("s3:GetObject", f"arn:aws:s3:::{filled}/*"))
    assert reader.get_object(Bucket=filled, Key="k")["Body"].read() == b"x"
    error = refusal(reader.get_object, Bucket=filled, Key="absent")
    assert (error["Code"], "s3:ListBucket" in error["Message"]) == ("AccessDenied", True)
    lister = _user(aws, "lister", _allow("s3:GetObject", f"arn:aws:s3:::{filled}/*"), _allow("s3:ListBucket", f"arn:aws:s3:::{filled}"))
    assert refusal(lister.get_object, Bucket=filled, Key="absent")["Code"] == "NoSuchKey"


def test_listing_may_be_allowed_below_a_prefix(aws: Account, filled: str) -> None:
    only = {"Condition": {"StringLike": {"s3:prefix": "home/*"}}}
    user = _user(aws, "homely", _allow("s3:ListBucket", f"arn:aws:s3:::{filled}", **only))
    user.list_objects_v2(Bucket=filled, Prefix="home/me")
    assert refusal(user.list_objects_v2, Bucket=filled)["Code"] == "AccessDenied"


def test_reading_may_depend_on_the_objects_tags(aws: Account, filled: str) -> None:
    aws.s3.put_object(Bucket=filled, Key="public", Body=b"p", Tagging="class=public")
    only = {"Condition": {"StringEquals": {"s3:ExistingObjectTag/class": "public"}}}
    user = _user(aws, "tagged", _allow("s3:GetObject", f"arn:aws:s3:::{filled}/*", **only))
    assert user.get_object(Bucket=filled, Key="public")["Body"].read() == b"p"
    assert refusal(user.get_object, Bucket=filled, Key="k")["Code"] == "AccessDenied"


def test_tags_and_acls_that_come_with_an_object_need_permissions_of_their_own(aws: Account, filled: str) -> None:
    writer = _user(aws, "writer", _allow("s3:PutObject", f"arn:aws:s3:::{filled}/*"))
    writer.put_object(Bucket=filled, Key="w", Body=b"")
    error = refusal(writer.put_object, Bucket=filled, Key="w", Body=b"", Tagging="a=b")
    assert (error["Code"], "s3:PutObjectTagging" in error["Message"]) == ("AccessDenied", True)
    assert "s3:PutObjectAcl" in refusal(writer.put_object, Bucket=filled, Key="w", Body=b"", ACL="private")["Message"]


def test_a_copy_needs_the_source_and_the_target(aws: Account, filled: str) -> None:
    user = _user(aws, "copier", _allow("s3:PutObject", f"arn:aws:s3:::{filled}/*"))
    error = refusal(user.copy_object, Bucket=filled, Key="to", CopySource=f"{filled}/k")
    assert (error["Code"], "s3:GetObject" in error["Message"]) == ("AccessDenied", True)


def test_an_acl_needs_an_ownership_that_takes_acls(aws: Account, filled: str) -> None:
    error = refusal(aws.s3.put_object_acl, Bucket=filled, Key="k", ACL="public-read")
    assert (error["Code"], error["Message"]) == ("AccessControlListNotSupported", "The bucket does not allow ACLs")
    aws.s3.put_object(Bucket=filled, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    assert refusal(aws.s3.put_object, Bucket=filled, Key="k", Body=b"x", ACL="public-read")["Code"] == "AccessControlListNotSupported"


def test_a_public_object_is_read_by_anybody_where_acls_count(aws: Account, filled: str) -> None:
    aws.s3.put_bucket_ownership_controls(Bucket=filled, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert refusal(aws.s3.put_object_acl, Bucket=filled, Key="k", ACL="public-read")["Code"] == "AccessDenied"
    aws.s3.delete_public_access_block(Bucket=filled)
    aws.s3.put_object_acl(Bucket=filled, Key="k", ACL="public-read")
    assert _anonymous(aws).get_object(Bucket=filled, Key="k")["Body"].read() == b"x"
    grants = aws.s3.get_object_acl(Bucket=filled, Key="k")["Grants"]
    assert [(grant["Grantee"].get("URI"), grant["Permission"]) for grant in grants] == [
        (None, "FULL_CONTROL"),
        ("http://acs.amazonaws.com/groups/global/AllUsers", "READ"),
    ]
    aws.s3.put_public_access_block(Bucket=filled, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert refusal(_anonymous(aws).get_object, Bucket=filled, Key="k")["Status"] == 403


def test_a_grant_by_canonical_id_reaches_another_account(aws: Account, filled: str) -> None:
    other = aws.node.fresh_account()
    theirs = other.s3.list_buckets()["Owner"]["ID"]
    aws.s3.put_bucket_ownership_controls(Bucket=filled, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    aws.s3.put_object_acl(Bucket=filled, Key="k", GrantRead=f'id="{theirs}"')
    assert other.s3.get_object(Bucket=filled, Key="k")["Body"].read() == b"x"
    assert refusal(aws.node.fresh_account().s3.get_object, Bucket=filled, Key="k")["Status"] == 403


def test_an_acl_of_a_bucket_lets_others_list(aws: Account, filled: str) -> None:
    aws.s3.delete_public_access_block(Bucket=filled)
    aws.s3.put_bucket_ownership_controls(Bucket=filled, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    aws.s3.put_bucket_acl(Bucket=filled, ACL="public-read")
    assert _anonymous(aws).list_objects_v2(Bucket=filled)["KeyCount"] == 1
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert refusal(aws.s3.put_bucket_ownership_controls, Bucket=filled, OwnershipControls=controls)["Code"] == "InvalidBucketAclWithObjectOwnership"
