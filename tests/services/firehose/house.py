"""A role that Firehose may assume, buckets, delivery streams, and what arrived."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import zipfile
from typing import Any

from tests.node import Account

_numbers = itertools.count()


def refusal(error: Any) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(aws: Account, *actions: str, name: str = "delivery") -> str:
    """A role for Firehose with these actions on everything."""
    trust = document({"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"})
    arn = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = document({"Effect": "Allow", "Action": list(actions or ("s3:*", "kinesis:*", "logs:*", "lambda:*")), "Resource": "*"})
    aws.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=allowed)
    return arn


def bucket(aws: Account) -> str:
    name = f"f-{aws.id}-{next(_numbers)}"
    aws.s3.create_bucket(Bucket=name)
    return name


def destination(role_arn: str, bucket_name: str, **more: Any) -> dict[str, Any]:
    return {"RoleARN": role_arn, "BucketARN": f"arn:aws:s3:::{bucket_name}", **more}


def at_once(role_arn: str, bucket_name: str, **more: Any) -> dict[str, Any]:
    """A destination that does not wait for more."""
    return destination(role_arn, bucket_name, **{"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}, **more})


def processing(*processors: tuple[str, dict[str, str]]) -> dict[str, Any]:
    made = [
        {"Type": kind, "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]}
        for kind, parameters in processors
    ]
    return {"Enabled": True, "Processors": made}


def put(aws: Account, stream: str, *payloads: bytes) -> None:
    answer = aws.firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": data} for data in payloads])
    assert answer["FailedPutCount"] == 0


def objects(aws: Account, bucket_name: str, prefix: str = "") -> dict[str, bytes]:
    """Contents by key."""
    listed = aws.s3.list_objects_v2(Bucket=bucket_name, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: aws.s3.get_object(Bucket=bucket_name, Key=entry["Key"])["Body"].read() for entry in listed}


def failures(aws: Account, bucket_name: str, prefix: str) -> list[dict[str, Any]]:
    """The documents of the error output."""
    return [json.loads(line) for content in objects(aws, bucket_name, prefix).values() for line in content.splitlines()]


def unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


def gunzipped(content: bytes) -> bytes:
    return gzip.decompress(content)
