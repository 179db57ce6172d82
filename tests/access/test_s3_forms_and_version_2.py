"""Browser forms and the old signatures of S3, as botocore makes them."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.auth import HmacV1Auth, HmacV1PostAuth, HmacV1QueryAuth, S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.access.callers import ALICE, KEYS, NOW_MS, SESSION, WORKER, HandClock, as_received, authenticator
from tule.access.identities import AccessKey
from tule.access.post_form import check_form, check_size
from tule.access.principal import ANONYMOUS
from tule.core.errors import ServiceError
from tule.wire.http import Request

EXPIRATION = "2024-05-01T12:10:00Z"
KEY = KEYS["AKIAALICE"]


def form(signer: Any = S3SigV4PostAuth, key: AccessKey = KEY, conditions: list[Any] | None = None, expiration: str = EXPIRATION) -> dict[str, str]:
    """The fields of a form that botocore has signed, by lower-case name."""
    request = AWSRequest("POST", "http://bucket.s3.amazonaws.com/")
    request.context["s3-presign-post-fields"] = fields = {"key": "cat.png"}
    document = {"expiration": expiration, "conditions": [{"bucket": "bucket"}, {"key": "cat.png"}, *(conditions or [])]}
    request.context["s3-presign-post-policy"] = document
    credentials = Credentials(key.access_key, key.secret_key, key.session_token or None)
    now = botocore.auth.datetime.datetime.fromtimestamp(NOW_MS / 1000, botocore.auth.datetime.timezone.utc)
    with patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: now.replace(tzinfo=None)):
        (signer(credentials, "s3", "us-east-1") if signer is S3SigV4PostAuth else signer(credentials)).add_auth(request)
    return {name.lower(): value for name, value in fields.items()}


def resigned(fields: dict[str, str], **document: Any) -> dict[str, str]:
    return fields | {"policy": base64.b64encode(json.dumps(document).encode()).decode()}


@pytest.mark.parametrize("signer", [S3SigV4PostAuth, HmacV1PostAuth])
@pytest.mark.parametrize(("key", "principal"), [(KEY, ALICE), (SESSION, WORKER)])
async def test_a_form_is_its_signers(signer: Any, key: AccessKey, principal: Any) -> None:
    assert (await authenticator().of_form(form(signer, key))).principal == principal


@pytest.mark.parametrize("signer", [S3SigV4PostAuth, HmacV1PostAuth])
async def test_a_form_with_another_policy_is_refused(signer: Any) -> None:
    fields = resigned(form(signer), expiration=EXPIRATION, conditions=[])
    with pytest.raises(ServiceError, match="SignatureDoesNotMatch"):
        await authenticator().of_form(fields)


async def test_a_form_without_a_signature_is_anonymous() -> None:
    assert (await authenticator().of_form({"key": "x"})).principal == ANONYMOUS


@pytest.mark.parametrize(
    ("signer", "missing", "shown"),
    [
        (S3SigV4PostAuth, "x-amz-signature", "X-Amz-Signature"),
        (S3SigV4PostAuth, "x-amz-algorithm", "X-Amz-Algorithm"),
        (HmacV1PostAuth, "signature", "Signature"),
        (HmacV1PostAuth, "awsaccesskeyid", "AWSAccessKeyId"),
    ],
)
async def test_a_form_with_a_part_of_a_signature_is_told_what_it_lacks(signer: Any, missing: str, shown: str) -> None:
    fields = form(signer)
    del fields[missing]
    with pytest.raises(ServiceError) as caught:
        await authenticator().of_form(fields)
    assert caught.value.message == f"Bucket POST must contain a field named '{shown}'.  If it is specified, please check the order of the fields."
    assert caught.value.fields["ArgumentName"] == shown


def test_a_form_as_its_policy_says_is_accepted() -> None:
    fields = form(conditions=[["starts-with", "$x-amz-meta-tag", ""], ["eq", "$acl", "private"], ["content-length-range", 5, 10]])
    sizes = check_form(fields | {"x-amz-meta-tag": "anything", "acl": "private", "x-ignore-me": "1"}, "bucket", NOW_MS)
    assert (sizes.start, sizes.stop) == (5, 11)


@pytest.mark.parametrize(
    ("extra", "conditions", "message"),
    [
        ({"key": "dog.png"}, [], 'Policy Condition failed: ["eq", "$key", "cat.png"]'),
        ({"acl": "public-read"}, [["eq", "$acl", "private"]], 'Policy Condition failed: ["eq", "$acl", "private"]'),
        (
            {},
            [["starts-with", "$success_action_redirect", "http://a"]],
            'Policy Condition failed: ["starts-with", "$success_action_redirect", "http://a"]',
        ),
        ({}, [["content-length-range", "test", "10"]], 'Policy Condition failed: ["content-length-range", "test", "10"]'),
        ({"acl": "private"}, [], "Extra input fields: acl"),
    ],
)
def test_a_form_that_its_policy_does_not_allow_is_refused(extra: dict[str, str], conditions: list[Any], message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check_form(form(conditions=conditions) | extra, "bucket", NOW_MS)
    assert (caught.value.code, caught.value.message, caught.value.status) == ("AccessDenied", f"Invalid according to Policy: {message}", 403)


def test_a_form_for_another_bucket_is_refused() -> None:
    with pytest.raises(ServiceError, match="Policy Condition failed"):
        check_form(form(), "other", NOW_MS)


def test_a_forms_policy_expires() -> None:
    check_form(form(), "bucket", NOW_MS + 600_000)
    with pytest.raises(ServiceError, match="Policy expired"):
        check_form(form(), "bucket", NOW_MS + 600_001)


@pytest.mark.parametrize("policy", ["%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b"{}").decode(), base64.b64encode(b"{").decode()])
def test_a_policy_that_is_no_policy_is_refused(policy: str) -> None:
    with pytest.raises(ServiceError, match="InvalidPolicyDocument"):
        check_form({"policy": policy}, "bucket", NOW_MS)


def test_a_file_must_have_a_size_that_the_policy_permits() -> None:
    check_size(5, range(5, 11))
    check_size(10, range(5, 11))
    with pytest.raises(ServiceError, match="EntityTooSmall"):
        check_size(4, range(5, 11))
    with pytest.raises(ServiceError) as caught:
        check_size(12, range(5, 11))
    assert (caught.value.code, caught.value.fields) == ("EntityTooLarge", {"ProposedSize": 12, "MaxSizeAllowed": 10})


def version_2(signer: Any, url: str, method: str = "GET", headers: dict[str, str] | None = None, **options: Any) -> Request:
    request = AWSRequest(method, url, headers=headers or {})
    key = options.pop("key", KEY)
    request.context.update(options.pop("context", {}))
    with patch("time.time", lambda: NOW_MS / 1000), patch("botocore.auth.formatdate", lambda usegmt: "Wed, 01 May 2024 12:00:00 GMT"):
        signer(Credentials(key.access_key, key.secret_key, key.session_token or None), **options).add_auth(request)
    return as_received(request, b"")


@pytest.mark.parametrize("key", [KEY, SESSION])
@pytest.mark.parametrize(
    "path",
    ["/bucket/cat.png", "/bucket/a%20b/%C3%A9", "/bucket?acl", "/bucket/k?uploadId=x%2By&partNumber=2", "/bucket/k?response-content-type=a%2Fb"],
)
async def test_what_botocore_signs_by_version_2_is_accepted(path: str, key: AccessKey) -> None:
    principal = ALICE if key is KEY else WORKER
    url = f"http://s3.amazonaws.com{path}"
    in_header = version_2(HmacV1Auth, url, "PUT", {"content-type": "text/plain", "x-amz-meta-a": "b  c"}, key=key)
    assert (await authenticator().authenticate(in_header, "s3")).principal == principal
    in_query = version_2(HmacV1QueryAuth, url, key=key, expires=60)
    assert (await authenticator().authenticate(in_query, "s3")).principal == principal


async def test_the_bucket_of_a_virtual_host_belongs_to_what_is_signed() -> None:
    request = version_2(HmacV1QueryAuth, "http://s3.amazonaws.com/my.bucket/cat.png", expires=60)
    moved = dataclasses.replace(request, path="/cat.png", headers=request.headers | {"host": "my.bucket.s3.amazonaws.com:4566"})
    assert (await authenticator().authenticate(moved, "s3")).principal == ALICE


async def test_a_version_2_url_expires_and_may_not_be_changed() -> None:
    request = version_2(HmacV1QueryAuth, "http://s3.amazonaws.com/bucket/cat.png", expires=60)
    with pytest.raises(ServiceError) as caught:
        await authenticator().authenticate(dataclasses.replace(request, path="/bucket/dog.png"), "s3")
    assert caught.value.code == "SignatureDoesNotMatch"
    assert caught.value.fields["StringToSign"] == "GET\n\n\n1714564860\n/bucket/dog.png"
    clock = HandClock()
    checker = authenticator(clock)
    assert (await checker.authenticate(request, "s3")).principal == ALICE
    clock.move(60_000)
    assert (await checker.authenticate(request, "s3")).principal == ALICE
    clock.move(1)
    with pytest.raises(ServiceError) as caught:
        await checker.authenticate(request, "s3")
    assert (caught.value.code, caught.value.message) == ("AccessDenied", "Request has expired")
    assert caught.value.fields == {"Expires": "2024-05-01T12:01:00Z", "ServerTime": "2024-05-01T12:01:00Z"}


async def test_a_version_2_url_that_is_late_at_first_sight_is_refused() -> None:
    clock = HandClock()
    checker = authenticator(clock)
    clock.wall_ms += 60_001
    with pytest.raises(ServiceError, match="Request has expired"):
        await checker.authenticate(version_2(HmacV1QueryAuth, "http://s3.amazonaws.com/bucket/cat.png", expires=60), "s3")


async def test_other_services_refuse_version_2() -> None:
    request = version_2(HmacV1QueryAuth, "http://sqs.amazonaws.com/?Action=ListQueues", expires=60)
    with pytest.raises(ServiceError, match="Signature Version 2 is not supported"):
        await authenticator().authenticate(request, "sqs")
