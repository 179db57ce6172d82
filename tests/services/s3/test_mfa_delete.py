"""MFA Delete."""

from __future__ import annotations

import time

import boto3
from botocore.config import Config

from tests.node import Account
from tests.services.s3.refusals import refusal
from tule.services.iam.mfa_devices import code


def test_versions_go_only_with_a_code(aws: Account, versioned: str) -> None:
    aws.iam.create_user(UserName="keeper")
    aws.iam.attach_user_policy(UserName="keeper", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    device = aws.iam.create_virtual_mfa_device(VirtualMFADeviceName="keepers")["VirtualMFADevice"]
    seed, serial = device["Base32StringSeed"].decode(), device["SerialNumber"]
    step = int(time.time()) // 30
    aws.iam.enable_mfa_device(UserName="keeper", SerialNumber=serial, AuthenticationCode1=code(seed, step), AuthenticationCode2=code(seed, step + 1))
    key = aws.iam.create_access_key(UserName="keeper")["AccessKey"]
    s3 = boto3.client(
        "s3",
        endpoint_url=aws.node.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
    wanted = {"Bucket": versioned, "VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
    assert refusal(s3.put_bucket_versioning, **wanted)["Message"] == "Mfa Authentication must be used for this request"

    def mfa() -> str:
        return f"{serial} {code(seed, int(time.time()) // 30)}"

    s3.put_bucket_versioning(**wanted, MFA=mfa())
    assert s3.get_bucket_versioning(Bucket=versioned)["MFADelete"] == "Enabled"
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"")["VersionId"]
    s3.delete_object(Bucket=versioned, Key="k")  # a marker hides it; nothing goes
    gone = {"Bucket": versioned, "Key": "k", "VersionId": version}
    assert refusal(s3.delete_object, **gone)["Code"] == "AccessDenied"
    assert refusal(s3.delete_object, **gone, MFA=f"{serial} 000")["Code"] == "AccessDenied"
    [failed] = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k", "VersionId": version}]})["Errors"]
    assert failed["Code"] == "AccessDenied"
    rule = {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}
    error = refusal(s3.put_bucket_lifecycle_configuration, Bucket=versioned, LifecycleConfiguration={"Rules": [rule]})
    assert error["Code"] == "InvalidBucketState"
    s3.delete_object(**gone, MFA=mfa())
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Disabled"}, MFA=mfa())
