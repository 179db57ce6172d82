"""Who is calling, and temporary credentials of users and the root themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

from tests.node import Account
from tests.services.iam.documents import User, allow, root_of, session, trusting
from tests.services.iam.refusals import refusal


def test_everybody_may_ask_who_they_are(aws: Account) -> None:
    root = aws.sts.get_caller_identity()
    assert (root["UserId"], root["Account"], root["Arn"]) == (aws.id, aws.id, f"arn:aws:iam::{aws.id}:root")
    bob = User(aws, "bob", allow("s3:*"))
    mine = bob.sts.get_caller_identity()
    assert (mine["UserId"][:4], mine["Account"], mine["Arn"]) == ("AIDA", aws.id, bob.arn)


def test_an_access_key_tells_its_account(aws: Account) -> None:
    bob = User(aws, "bob", allow("sts:GetSessionToken"))
    temporary = bob.sts.get_session_token()["Credentials"]["AccessKeyId"]
    for key in (bob.key["AccessKeyId"], temporary):
        assert aws.sts.get_access_key_info(AccessKeyId=key)["Account"] == aws.id
    assert refusal(aws.sts.get_access_key_info, AccessKeyId="AKIA1111111111111111")[0] == "ValidationError"


def test_a_session_token_of_a_user_is_the_user_but_not_for_iam(aws: Account) -> None:
    bob = User(aws, "bob", allow("*"))
    answer = bob.sts.get_session_token(DurationSeconds=900)
    assert session(aws, answer, "sts").get_caller_identity()["Arn"] == bob.arn
    assert session(aws, answer, "s3").list_buckets()["Buckets"] == []
    assert refusal(session(aws, answer, "iam").list_users)[0] == "AccessDenied"


def test_sessions_get_no_session_tokens(aws: Account) -> None:
    bob = User(aws, "bob", allow("*"))
    sts = session(aws, bob.sts.get_session_token(), "sts")
    assert refusal(sts.get_session_token) == ("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
    assert refusal(sts.get_federation_token, Name="guest")[0] == "AccessDenied"


def test_a_federated_user_may_what_both_policies_allow(aws: Account) -> None:
    bob = User(aws, "bob", allow("s3:*", "sts:GetFederationToken"))
    answer = bob.sts.get_federation_token(Name="guest", Policy=allow("s3:ListAllMyBuckets", "sqs:*"))
    assert answer["FederatedUser"] == {"FederatedUserId": f"{aws.id}:guest", "Arn": f"arn:aws:sts::{aws.id}:federated-user/guest"}
    assert session(aws, answer, "sts").get_caller_identity()["Arn"] == f"arn:aws:sts::{aws.id}:federated-user/guest"
    s3 = session(aws, answer, "s3")
    assert s3.list_buckets()["Buckets"] == []
    assert refusal(s3.create_bucket, Bucket=f"b-{aws.id}")[0] == "AccessDenied"


def test_a_federated_user_without_policies_may_nothing(aws: Account) -> None:
    bob = User(aws, "bob", allow("*"))
    answer = bob.sts.get_federation_token(Name="guest")
    assert refusal(session(aws, answer, "s3").list_buckets)[0] == "AccessDenied"


def test_trust_can_ask_for_mfa(aws: Account) -> None:
    bob = User(aws, "bob", allow("sts:AssumeRole"))
    arn = aws.iam.create_role(
        RoleName="vault", AssumeRolePolicyDocument=trusting(root_of(aws), Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    )["Role"]["Arn"]
    device = aws.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]
    step = int(time.time()) // 30
    aws.iam.enable_mfa_device(UserName="bob", SerialNumber=serial, AuthenticationCode1=_code(seed, step - 1), AuthenticationCode2=_code(seed, step))
    call = {"RoleArn": arn, "RoleSessionName": "night"}
    assert refusal(bob.sts.assume_role, **call)[0] == "AccessDenied"
    wrong = f"{(int(_code(seed, step)) + 500_000) % 1_000_000:06d}"
    assert refusal(bob.sts.assume_role, **call, SerialNumber=serial, TokenCode=wrong)[0] == "AccessDenied"
    bob.sts.assume_role(**call, SerialNumber=serial, TokenCode=_code(seed, step))
    with_mfa = bob.sts.get_session_token(SerialNumber=serial, TokenCode=_code(seed, step))
    session(aws, with_mfa, "sts").assume_role(**call)


def _code(seed: bytes, step: int) -> str:
    """RFC 6238, written out once more."""
    digest = hmac.digest(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[19] & 15
    return str((int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 10**6).zfill(6)
