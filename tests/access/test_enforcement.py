"""Signatures and policies as clients meet them: boto3 against a node."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpchecksum import AwsChunkedWrapper, Sha256Checksum

from tests.node import Account


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class User:
    """A user of the account with a key, and boto3's clients as that user."""

    def __init__(self, account: Account, name: str, *statements: dict[str, Any]) -> None:
        account.iam.create_user(UserName=name)
        if statements:
            account.iam.put_user_policy(UserName=name, PolicyName="granted", PolicyDocument=document(*statements))
        self.account = account
        self.arn = f"arn:aws:iam::{account.id}:user/{name}"
        self.key = account.iam.create_access_key(UserName=name)["AccessKey"]

    def client(self, service: str, **overrides: Any) -> Any:
        credentials = {"aws_access_key_id": self.key["AccessKeyId"], "aws_secret_access_key": self.key["SecretAccessKey"]}
        return self.account.client(service, **(credentials | overrides))


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def test_a_user_may_do_what_a_policy_allows_and_nothing_else(aws: Account) -> None:
    aws.s3.create_bucket(Bucket=f"pictures-{aws.id}")
    allow = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::pictures-{aws.id}/own/*"}
    user = User(aws, "alice", allow)
    s3 = user.client("s3")
    s3.put_object(Bucket=f"pictures-{aws.id}", Key="own/cat", Body=b"cat")
    assert s3.get_object(Bucket=f"pictures-{aws.id}", Key="own/cat")["Body"].read() == b"cat"
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=f"pictures-{aws.id}", Key="other/cat", Body=b"cat")
    assert code(caught) == "AccessDenied"
    assert caught.value.response["Error"]["Message"] == (
        f"User: {user.arn} is not authorized to perform: s3:PutObject on resource: "
        f'"arn:aws:s3:::pictures-{aws.id}/other/cat" because no identity-based policy allows the s3:PutObject action'
    )


def test_a_change_of_policy_takes_effect_at_once(aws: Account) -> None:
    user = User(aws, "bob")
    with pytest.raises(ClientError):
        user.client("iam").list_users()
    aws.iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document({"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}))
    assert [found["UserName"] for found in user.client("iam").list_users()["Users"]] == ["bob"]
    aws.iam.delete_user_policy(UserName="bob", PolicyName="p")
    with pytest.raises(ClientError) as caught:
        user.client("iam").list_users()
    assert code(caught) == "AccessDenied"


def test_a_wrong_secret_is_refused(aws: Account) -> None:
    user = User(aws, "carol", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    with pytest.raises(ClientError) as caught:
        user.client("sts", aws_secret_access_key="wrong").get_caller_identity()
    assert code(caught) == "SignatureDoesNotMatch"
    with pytest.raises(ClientError) as caught:
        user.client("s3", aws_secret_access_key="wrong").list_buckets()
    assert code(caught) == "SignatureDoesNotMatch"
    assert user.client("sts").get_caller_identity()["Arn"] == user.arn


def test_a_session_acts_as_its_role_within_its_session_policy(aws: Account) -> None:
    user = User(aws, "dave", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": user.arn}}
    role = aws.iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(trust))["Role"]
    aws.iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=document({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}))
    narrow = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    session = user.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session", Policy=narrow)["Credentials"]
    credentials = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    iam = aws.client("iam", **credentials)
    assert iam.list_users()["Users"]
    with pytest.raises(ClientError) as caught:
        iam.list_roles()
    assert caught.value.response["Error"]["Message"].endswith("because no session policy allows the iam:ListRoles action")
    with pytest.raises(ClientError) as caught:
        aws.client("iam", **(credentials | {"aws_session_token": session["SessionToken"][:-4] + "AAAA"})).list_users()
    assert code(caught) == "InvalidClientTokenId"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_serves_whoever_holds_it(aws: Account, version: str) -> None:
    bucket = f"presigned-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="a b/é", Body=b"shared")
    user = User(aws, "erin", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    s3 = user.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/é"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"shared"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("a%20b", "a%20c"))
    assert caught.value.code == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in caught.value.read()


def test_a_presigned_url_expires_by_the_nodes_clock(turned: Account) -> None:
    bucket = f"expiring-{turned.id}"
    turned.s3.create_bucket(Bucket=bucket)
    turned.s3.put_object(Bucket=bucket, Key="k", Body=b"shared")
    user = User(turned, "frank", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    for version in ("s3", "s3v4"):
        s3 = user.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=600)
        assert urllib.request.urlopen(url).read() == b"shared"
        turned.node.advance(700)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        assert b"<Message>Request has expired</Message>" in caught.value.read()
    assert user.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"shared"


def test_a_body_in_signed_or_unsigned_chunks_is_the_object(aws: Account) -> None:
    bucket = f"chunks-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    user = User(aws, "grace", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    body = bytes(range(256)) * 1000
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA256"):
        user.client("s3").put_object(Bucket=bucket, Key=algorithm, Body=body, ChecksumAlgorithm=algorithm)
        assert user.client("s3").get_object(Bucket=bucket, Key=algorithm)["Body"].read() == body


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_checksum_may_follow_the_body(aws: Account, spoiled: bool) -> None:
    bucket = f"trailers-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    user = User(aws, "heidi", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    body = b"thumbnail" * 20_000
    wrapped = AwsChunkedWrapper(io.BytesIO(body), checksum_cls=Sha256Checksum, checksum_name="x-amz-checksum-sha256", chunk_size=65_536)
    sent = wrapped.read()
    if spoiled:
        sent = sent.replace(b"thumbnail", b"Thumbnail", 1)
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-trailer": "x-amz-checksum-sha256",
        "x-amz-decoded-content-length": str(len(body)),
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content-length": str(len(sent)),
    }
    request = AWSRequest("PUT", f"{aws.node.url}/{bucket}/k", headers=headers)
    request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "sha256"}}
    S3SigV4Auth(Credentials(user.key["AccessKeyId"], user.key["SecretAccessKey"]), "s3", aws.region).add_auth(request)
    put = urllib.request.Request(request.url, sent, dict(request.headers), method="PUT")
    if spoiled:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(put)
        assert b"<Code>BadDigest</Code>" in caught.value.read()
    else:
        urllib.request.urlopen(put).read()
        assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_someone_without_credentials_is_told_so(aws: Account) -> None:
    request = urllib.request.Request(f"{aws.node.url}/?Action=ListUsers&Version=2010-05-08", headers={"Host": "iam.amazonaws.com"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403
    assert b"MissingAuthenticationToken" in caught.value.read()


def test_a_denial_can_be_explained(aws: Account) -> None:
    user = User(aws, "ivan", {"Sid": "Look", "Effect": "Allow", "Action": "iam:List*", "Resource": "*"})
    asked = {"principal": user.arn, "action": "iam:CreateUser", "resource": f"arn:aws:iam::{aws.id}:user/x"}
    answer = aws.node.post("/_tule/explain", asked)
    assert answer["allowed"] is False
    assert answer["missing"] == {"Effect": "Allow", "Action": "iam:CreateUser", "Resource": f"arn:aws:iam::{aws.id}:user/x"}
    answer = aws.node.post("/_tule/explain", asked | {"action": "iam:ListUsers"})
    assert (answer["allowed"], answer["statement"]) == (True, "Look")
    with pytest.raises(ClientError):
        user.client("iam").create_user(UserName="x")
    assert any(told["principal"] == user.arn and told["action"] == "iam:CreateUser" for told in aws.node.post("/_tule/explain", {})["denials"])
