from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

_CORS = {"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.app.test"], "AllowedHeaders": ["x-*"], "MaxAgeSeconds": 9}]}
_LIFECYCLE = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}}]}
_WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
_TAGS = {"TagSet": [{"Key": "a", "Value": "1"}]}
_AES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}


@pytest.mark.parametrize(
    ("name", "member", "value", "missing"),
    [
        ("bucket_cors", "CORSConfiguration", _CORS, "NoSuchCORSConfiguration"),
        ("bucket_website", "WebsiteConfiguration", _WEBSITE, "NoSuchWebsiteConfiguration"),
        ("bucket_tagging", "Tagging", _TAGS, "NoSuchTagSet"),
        ("bucket_lifecycle_configuration", "LifecycleConfiguration", _LIFECYCLE, "NoSuchLifecycleConfiguration"),
    ],
)
def test_a_configuration_is_put_got_and_deleted(aws: Account, bucket: str, name: str, member: str, value: dict[str, Any], missing: str) -> None:
    get = getattr(aws.s3, f"get_{name}")
    error = refusal(get, Bucket=bucket)
    assert (error["Code"], error["Status"], error["BucketName"]) == (missing, 404, bucket)
    getattr(aws.s3, f"put_{name}")(Bucket=bucket, **{member: value})
    got = get(Bucket=bucket)
    assert {key: got[key] for key in value} == value
    delete = "delete_bucket_lifecycle" if name == "bucket_lifecycle_configuration" else f"delete_{name}"
    assert getattr(aws.s3, delete)(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(get, Bucket=bucket)["Code"] == missing


def test_new_buckets_block_public_access_enforce_ownership_and_encrypt(aws: Account, bucket: str) -> None:
    blocked = aws.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    assert aws.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert aws.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"] == _AES
    aws.s3.delete_public_access_block(Bucket=bucket)
    assert refusal(aws.s3.get_public_access_block, Bucket=bucket)["Code"] == "NoSuchPublicAccessBlockConfiguration"


def test_logging_acceleration_and_payer(aws: Account, bucket: str) -> None:
    assert "LoggingEnabled" not in aws.s3.get_bucket_logging(Bucket=bucket)
    aws.s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}})
    assert aws.s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == {"TargetBucket": bucket, "TargetPrefix": "log/"}
    status = {"LoggingEnabled": {"TargetBucket": f"absent-{aws.id}", "TargetPrefix": ""}}
    assert refusal(aws.s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=status)["Code"] == "InvalidTargetBucketForLogging"
    aws.s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert aws.s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    aws.s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert aws.s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"IndexDocument": {"Suffix": "/i"}}, "The IndexDocument Suffix is not well formed"),
        ({"ErrorDocument": {"Key": "e"}}, "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"),
        (
            _WEBSITE | {"RedirectAllRequestsTo": {"HostName": "h"}},
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        ),
        (
            _WEBSITE | {"RoutingRules": [{"Redirect": {"ReplaceKeyPrefixWith": "a", "ReplaceKeyWith": "b"}}]},
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ),
    ],
)
def test_a_wrong_website_is_refused(aws: Account, bucket: str, configuration: dict[str, Any], message: str) -> None:
    assert refusal(aws.s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)["Message"] == message


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([("k", "1"), ("k", "2")], "Cannot provide multiple Tags with the same key"),
        ([("a,b", "1")], "The TagKey you have provided is invalid"),
        ([("a", "1,2")], "The TagValue you have provided is invalid"),
        ([("aws:a", "1")], "System tags cannot be added/updated by requester"),
    ],
)
def test_wrong_tags_are_refused(aws: Account, bucket: str, tags: list[tuple[str, str]], message: str) -> None:
    tag_set = [{"Key": key, "Value": value} for key, value in tags]
    error = refusal(aws.s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": tag_set})
    assert (error["Code"], error["Message"]) == ("InvalidTag", message)


def test_an_object_has_at_most_ten_tags(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    tag_set = [{"Key": f"k{number}", "Value": ""} for number in range(11)]
    error = refusal(aws.s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": tag_set})
    assert (error["Code"], error["Message"]) == ("BadRequest", "Object tags cannot be greater than 10")


def _options(aws: Account, bucket: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(urlsplit(aws.node.url).netloc, timeout=20)) as connection:
        connection.request("OPTIONS", f"/{bucket}/k", headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_a_browser_of_an_allowed_origin_may_ask_and_others_may_not(aws: Account, bucket: str) -> None:
    ask = {"Origin": "https://my.app.test", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-date, x-other"}
    status, _, body = _options(aws, bucket, ask)
    assert (status, b"CORS is not enabled for this bucket" in body) == (403, True)
    aws.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=_CORS)
    status, headers, _ = _options(aws, bucket, ask)
    assert (status, headers["access-control-allow-origin"], headers["access-control-max-age"]) == (200, "https://my.app.test", "9")
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-amz-date, x-other"
    for wrong in ({"Origin": "https://evil.test"}, {"Access-Control-Request-Method": "DELETE"}, {"Access-Control-Request-Headers": "content-type"}):
        status, _, body = _options(aws, bucket, ask | wrong)
        assert (status, b"This CORS request is not allowed" in body) == (403, True)


def test_the_answer_to_a_browser_says_that_its_page_may_read_it(aws: Account, bucket: str) -> None:
    aws.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=_CORS)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    aws.s3.meta.events.register("before-sign.s3.GetObject", lambda request, **_: request.headers.add_header("Origin", "https://my.app.test"))
    got = aws.s3.get_object(Bucket=bucket, Key="k")
    got["Body"].read()
    assert got["ResponseMetadata"]["HTTPHeaders"]["access-control-allow-origin"] == "https://my.app.test"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        (json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}), "Missing required field Principal"),
        (
            json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"}]}),
            "Policy has invalid resource",
        ),
    ],
)
def test_a_malformed_policy_is_refused(aws: Account, bucket: str, text: str, message: str) -> None:
    error = refusal(aws.s3.put_bucket_policy, Bucket=bucket, Policy=text)
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", message)
