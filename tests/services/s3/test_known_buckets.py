"""What a node remembers of buckets: told of every change, and never trusted for what is not there."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def _deny(bucket: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*Object", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_counts_from_the_next_request_on(aws: Account) -> None:
    bucket = f"known-{aws.id}-policy"
    aws.s3.create_bucket(Bucket=bucket)
    for _ in range(3):
        aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        aws.s3.put_bucket_policy(Bucket=bucket, Policy=_deny(bucket))
        for refused in (lambda: aws.s3.put_object(Bucket=bucket, Key="k", Body=b"y"), lambda: aws.s3.get_object(Bucket=bucket, Key="k")):
            with pytest.raises(ClientError, match="AccessDenied"):
                refused()
        aws.s3.delete_bucket_policy(Bucket=bucket)
        assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_bucket_that_is_gone_or_new_again_is_seen_so(aws: Account) -> None:
    bucket = f"known-{aws.id}-again"
    for _ in range(3):
        aws.s3.create_bucket(Bucket=bucket)
        aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
        aws.s3.delete_object(Bucket=bucket, Key="k")
        aws.s3.delete_bucket(Bucket=bucket)
        for missing in (lambda: aws.s3.get_object(Bucket=bucket, Key="k"), lambda: aws.s3.put_object(Bucket=bucket, Key="k", Body=b"y")):
            with pytest.raises(ClientError, match="NoSuchBucket"):
                missing()
