"""Whose request is it: by target, rpc path, action, or path and what distinguishes operations at one path."""

from __future__ import annotations

import gzip

import pytest

from tests.wire.clients import MODELS
from tule.core.errors import ServiceError
from tule.wire.http import Body, Request
from tule.wire.identify import Unidentified, identify


def _request(method: str, target: str, body: bytes = b"", **headers: str) -> Request:
    path, _, query = target.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, query, {"host": "localhost:4566", **named}, Body.of(body), body)


def _form(body: str, **headers: str) -> Request:
    return _request("POST", "/", body.encode(), content_type="application/x-www-form-urlencoded; charset=utf-8", **headers)


@pytest.mark.parametrize(
    ("line", "headers", "operation"),
    [
        ("GET /", {}, "ListBuckets"),
        ("GET /b", {}, "ListObjects"),
        ("GET /b/", {}, "ListObjects"),
        ("GET /b?list-type=2&prefix=x", {}, "ListObjectsV2"),
        ("GET /b?list-type=1", {}, "ListObjects"),
        ("GET /b?versions", {}, "ListObjectVersions"),
        ("GET /b?versioning=", {}, "GetBucketVersioning"),
        ("GET /b?uploads", {}, "ListMultipartUploads"),
        ("GET /b?location", {}, "GetBucketLocation"),
        ("GET /b?lifecycle", {}, "GetBucketLifecycleConfiguration"),
        ("GET /b?notification", {}, "GetBucketNotificationConfiguration"),
        ("GET /b?inventory", {}, "ListBucketInventoryConfigurations"),
        ("GET /b?inventory&id=1", {}, "GetBucketInventoryConfiguration"),
        ("GET /b/k", {}, "GetObject"),
        ("GET /b/k?x-id=GetObject", {}, "GetObject"),
        ("GET /b/a//b/", {}, "GetObject"),
        ("GET /b/k?uploadId=1", {}, "ListParts"),
        ("GET /b/k?attributes", {"x-amz-object-attributes": "ETag"}, "GetObjectAttributes"),
        ("GET /b/k?tagging", {}, "GetObjectTagging"),
        ("GET /b/k?acl&versionId=3", {}, "GetObjectAcl"),
        ("HEAD /b", {}, "HeadBucket"),
        ("HEAD /b/k", {}, "HeadObject"),
        ("PUT /b", {}, "CreateBucket"),
        ("PUT /b/", {}, "CreateBucket"),
        ("PUT /b?policy", {}, "PutBucketPolicy"),
        ("PUT /b?lifecycle", {}, "PutBucketLifecycleConfiguration"),
        ("PUT /b/k", {}, "PutObject"),
        ("PUT /b/k", {"x-amz-copy-source": "/a/b"}, "CopyObject"),
        ("PUT /b/k?partNumber=1&uploadId=2", {}, "UploadPart"),
        ("PUT /b/k?partNumber=1&uploadId=2", {"x-amz-copy-source": "/a/b"}, "UploadPartCopy"),
        ("PUT /b/k?retention", {}, "PutObjectRetention"),
        ("POST /b?delete", {}, "DeleteObjects"),
        ("POST /b", {"content-type": "multipart/form-data; boundary=x"}, "PostObject"),
        ("POST /b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST /b/k?uploadId=2", {}, "CompleteMultipartUpload"),
        ("POST /b/k?select&select-type=2", {}, "SelectObjectContent"),
        ("POST /b/k?restore", {}, "RestoreObject"),
        ("DELETE /b", {}, "DeleteBucket"),
        ("DELETE /b?website", {}, "DeleteBucketWebsite"),
        ("DELETE /b/k", {}, "DeleteObject"),
        ("DELETE /b/k?uploadId=1", {}, "AbortMultipartUpload"),
        ("DELETE /b/k?tagging", {}, "DeleteObjectTagging"),
    ],
)
def test_s3(line: str, headers: dict[str, str], operation: str) -> None:
    method, _, target = line.partition(" ")
    request = _request(method, target)
    request.headers.update(headers)
    assert identify(MODELS, request, "s3", "s3").name == operation


@pytest.mark.parametrize(
    ("line", "signing_name", "service", "operation"),
    [
        ("GET /restapis", "apigateway", "apigateway", "GetRestApis"),
        ("GET /v2/apis", "apigateway", "apigatewayv2", "GetApis"),
        ("POST /restapis?mode=import", "apigateway", "apigateway", "ImportRestApi"),
        ("GET /tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fx", "apigateway", "apigateway", "GetTags"),
        ("GET /2015-01-01/domain", "es", "es", "ListDomainNames"),
        ("GET /2021-01-01/domain", "es", "opensearch", "ListDomainNames"),
        ("GET /v2/email/account", "ses", "sesv2", "GetAccount"),
        ("GET /2015-03-31/functions", "lambda", "lambda", "ListFunctions"),
        ("GET /2015-03-31/functions/", "lambda", "lambda", "ListFunctions"),
        ("POST /2015-03-31/functions/f/invocations", "lambda", "lambda", "Invoke"),
        ("POST /2021-11-15/functions/f/response-streaming-invocations", "lambda", "lambda", "InvokeWithResponseStream"),
        ("GET /2015-03-31/functions", None, "lambda", "ListFunctions"),
        ("GET /v20180820/configuration/publicAccessBlock", "s3", "s3control", "GetPublicAccessBlock"),
        ("GET /2013-04-01/hostedzone/Z1/rrset", "route53", "route53", "ListResourceRecordSets"),
        ("GET /2020-05-31/distribution/X/config", "cloudfront", "cloudfront", "GetDistributionConfig"),
        ("POST /@connections/abc%3D", "execute-api", "apigatewaymanagementapi", "PostToConnection"),
        ("GET /bucket/key", None, "s3", "GetObject"),
    ],
)
def test_services_are_told_apart_by_path(line: str, signing_name: str | None, service: str, operation: str) -> None:
    method, _, target = line.partition(" ")
    extra = {"x_amz_account_id": "123456789012"} if service == "s3control" else {}
    codec = identify(MODELS, _request(method, target, **extra), signing_name)
    assert (codec.service, codec.name) == (service, operation)


def test_s3control_is_known_by_its_account_header_though_the_front_door_said_s3() -> None:
    request = _request("GET", "/v20180820/configuration/publicAccessBlock", x_amz_account_id="123456789012")
    assert identify(MODELS, request, "s3", "s3").service == "s3control"


@pytest.mark.parametrize(
    ("target", "service", "operation"),
    [
        ("DynamoDB_20120810.PutItem", "dynamodb", "PutItem"),
        ("DynamoDBStreams_20120810.GetRecords", "dynamodbstreams", "GetRecords"),
        ("AmazonSQS.SendMessage", "sqs", "SendMessage"),
        ("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", "cloudtrail", "LookupEvents"),
        ("GraniteServiceVersion20100801.PutMetricData", "cloudwatch", "PutMetricData"),
    ],
)
def test_json_services_by_target(target: str, service: str, operation: str) -> None:
    codec = identify(MODELS, _request("POST", "/", b"{}", x_amz_target=target))
    assert (codec.service, codec.name, codec.protocol) == (service, operation, "json")


def test_cbor_by_path() -> None:
    request = _request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", smithy_protocol="rpc-v2-cbor")
    codec = identify(MODELS, request)
    assert (codec.service, codec.name, codec.protocol) == ("cloudwatch", "PutMetricData", "smithy-rpc-v2-cbor")


@pytest.mark.parametrize(
    ("body", "signing_name", "service", "operation", "protocol"),
    [
        ("Action=GetCallerIdentity&Version=2011-06-15", "sts", "sts", "GetCallerIdentity", "query"),
        ("Version=2010-05-08&Action=ListUsers", None, "iam", "ListUsers", "query"),
        ("Action=SendMessage&Version=2012-11-05", None, "sqs", "SendMessage", "query"),
        ("Action=SendMessage", "sqs", "sqs", "SendMessage", "query"),
        ("Action=DescribeVpcs&Version=2014-10-01", "ec2", "ec2", "DescribeVpcs", "ec2"),
        ("Action=SendEmail&Version=2010-12-01", "ses", "ses", "SendEmail", "query"),
        ("Action=PutMetricData&Version=2010-08-01", "monitoring", "cloudwatch", "PutMetricData", "query"),
    ],
)
def test_query_services_by_action(body: str, signing_name: str | None, service: str, operation: str, protocol: str) -> None:
    codec = identify(MODELS, _form(body), signing_name)
    assert (codec.service, codec.name, codec.protocol) == (service, operation, protocol)


def test_an_action_in_the_query_string_counts_too() -> None:
    assert identify(MODELS, _request("GET", "/?Action=ListTopics&Version=2010-03-31")).name == "ListTopics"


def test_an_action_in_a_compressed_form_is_seen() -> None:
    request = _form("", content_encoding="gzip")
    request.body = gzip.compress(b"Action=PutMetricData&Version=2010-08-01")
    assert identify(MODELS, request, "monitoring").name == "PutMetricData"


def _refusal(request: Request, signing_name: str | None = None, hint: str | None = None) -> tuple[str, int, str]:
    with pytest.raises(Unidentified) as refused:
        identify(MODELS, request, signing_name, hint)
    return refused.value.code, refused.value.status, refused.value.protocol


def test_unknown_operations_are_refused_as_each_protocol_does() -> None:
    assert _refusal(_request("POST", "/", x_amz_target="DynamoDB_20120810.Fly")) == ("UnknownOperationException", 400, "json")
    assert _refusal(_request("POST", "/service/GraniteServiceVersion20100801/operation/Fly", smithy_protocol="rpc-v2-cbor"))[:2] == (
        "UnknownOperationException",
        404,
    )
    assert _refusal(_form("Action=Fly&Version=2010-05-08"), "iam") == ("InvalidAction", 400, "query")
    assert _refusal(_form("Action=Fly&Version=2016-11-15"), "ec2") == ("InvalidAction", 400, "ec2")
    assert _refusal(_request("GET", "/2015-03-31/wings"), "lambda") == ("UnknownOperationException", 404, "rest-json")
    assert _refusal(_request("GET", "/wings"), "apigateway") == ("MissingAuthenticationTokenException", 403, "rest-json")
    assert _refusal(_request("PATCH", "/b/k"), "s3", "s3") == ("MethodNotAllowed", 405, "rest-xml")
    assert _refusal(_request("POST", "/", b""), "iam") == ("MissingAction", 400, "query")


def test_unknown_services_are_refused_with_501() -> None:
    assert _refusal(_request("POST", "/", x_amz_target="Quantum_2030.Leap")) == ("NotImplemented", 501, "json")
    assert _refusal(_form("Action=Leap&Version=2030-01-01"), "quantum") == ("NotImplemented", 501, "query")
    assert _refusal(_request("GET", "/leap"), "quantum")[:2] == ("NotImplemented", 501)
    with pytest.raises(ServiceError) as refused:
        MODELS.service("quantum")
    assert refused.value.status == 501


def test_words_of_an_unknown_query_action() -> None:
    with pytest.raises(Unidentified, match="Could not find operation Fly for version 2010-05-08"):
        identify(MODELS, _form("Action=Fly&Version=2010-05-08"), "iam")
