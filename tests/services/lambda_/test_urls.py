"""Function URLs, spoken to by plain HTTP: who may, what the function is told, and how its answer arrives."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import arn, create, refused

TELL = "def handler(event, context):\n    return {'event': event, 'id': context.aws_request_id}\n"
SAY = "import json\ndef handler(event, context):\n    return json.loads(event['body'])\n"
FAIL = "def handler(event, context):\n    raise ValueError('no')\n"
FORBIDDEN = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, path: str = "", *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request(method, parts.path + path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def public(aws: Account, name: str = "f", **settings: Any) -> str:
    """The URL of a function that everybody may invoke."""
    url = aws.lambda_.create_function_url_config(FunctionName=name, **({"AuthType": "NONE"} | settings))["FunctionUrl"]
    allow(aws, name, "*")
    return url


def allow(aws: Account, name: str, principal: str, auth_type: str = "NONE") -> None:
    aws.lambda_.add_permission(
        FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal=principal, FunctionUrlAuthType=auth_type
    )
    aws.lambda_.add_permission(FunctionName=name, StatementId="via", Action="lambda:InvokeFunction", Principal=principal, InvokedViaFunctionUrl=True)


def test_a_function_is_told_of_the_request(aws: Account) -> None:
    create(aws, code=TELL)
    url = public(aws)
    id = url.rstrip("/").rpartition("/")[2]
    headers = {"Content-Type": "application/json", "Cookie": "a=1; b=2", "X-Own": "Value", "User-Agent": "test/1", "Connection": "keep-alive"}
    answer = ask(url, "some/pa%20th?q=1&q=%2F2&e=", method="POST", body=b'{"foo": "bar"}', headers=headers)
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    event = answer.json["event"]
    assert answer.json["id"] == answer.header("x-amzn-requestid") == event["requestContext"]["requestId"]
    assert event["version"] == "2.0"
    assert (event["rawPath"], event["rawQueryString"]) == ("/some/pa%20th", "q=1&q=%2F2&e=")
    assert event["queryStringParameters"] == {"q": "1,/2", "e": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"foo": "bar"}', False)
    assert event["headers"]["x-own"] == "Value"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert not {"cookie", "connection"} & event["headers"].keys()
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"], context["domainPrefix"], context["stage"]) == ("anonymous", id, id, "$default")
    http = {"method": "POST", "path": "/some/pa%20th", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test/1"}
    assert context["http"] == http


def test_the_same_function_answers_under_its_own_host(aws: Account) -> None:
    create(aws, code=TELL)
    url = public(aws)
    id = url.rstrip("/").rpartition("/")[2]
    for host in (f"{id}.lambda-url.us-east-1.on.aws", f"{id}.lambda-url.us-east-1.localhost.localstack.cloud:4566"):
        event = ask(aws.node.url, "/a/b", headers={"Host": host}).json["event"]
        assert (event["rawPath"], event["requestContext"]["domainName"]) == ("/a/b", host.partition(":")[0])
        assert event["headers"]["host"] == host


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b"plain", "text/plain", ("plain", False)),
        (b"a=1", "application/x-www-form-urlencoded", (base64.b64encode(b"a=1").decode(), True)),
        (b"\xff\x00", "application/octet-stream", (base64.b64encode(b"\xff\x00").decode(), True)),
        (b"\xff\x00", "text/plain", (base64.b64encode(b"\xff\x00").decode(), True)),
        (b"<a/>", "image/svg+xml", ("<a/>", False)),
    ],
)
def test_bodies_that_are_no_text_are_encoded(aws: Account, body: bytes, kind: str, told: tuple[str, bool]) -> None:
    create(aws, code=TELL)
    event = ask(public(aws), method="PUT", body=body, headers={"Content-Type": kind}).json["event"]
    assert (event["body"], event["isBase64Encoded"]) == told


@pytest.mark.parametrize(
    ("returned", "status", "body", "kind"),
    [
        ('"hello"', 200, b"hello", "application/json"),
        ("3.1", 200, b"3.1", "application/json"),
        ("true", 200, b"true", "application/json"),
        ('["hello", 3, true]', 200, b'["hello",3,true]', "application/json"),
        ('{"hello": "wo rld"}', 200, b'{"hello":"wo rld"}', "application/json"),
        ('{"n": 123456789012345678901234567890}', 200, b'{"n":123456789012345678901234567890}', "application/json"),
        ('{"statusCode": 201, "body": "made"}', 201, b"made", "application/json"),
        ('{"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"}', 200, b"<p>", "text/html"),
        ('{"statusCode": 200, "body": "/wA=", "isBase64Encoded": true}', 200, b"\xff\x00", "application/json"),
        ('{"statusCode": "nonsense"}', 502, b"Internal Server Error", "application/json"),
        ('{"statusCode": 200, "body": {"no": "text"}}', 502, b"Internal Server Error", "application/json"),
    ],
)
def test_what_is_returned_becomes_the_answer(aws: Account, returned: str, status: int, body: bytes, kind: str) -> None:
    create(aws, code=SAY)
    answer = ask(public(aws), method="POST", body=returned.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.body, answer.header("content-type")) == (status, body, kind)


def test_an_answer_has_its_headers_and_each_of_its_cookies(aws: Account) -> None:
    create(aws, code=SAY)
    returned = {"statusCode": 200, "headers": {"X-Count": 3, "Date": "never"}, "cookies": ["a=1; Path=/", "b=2"], "body": ""}
    answer = ask(public(aws), method="POST", body=json.dumps(returned).encode(), headers={"Content-Type": "application/json"})
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1; Path=/", "b=2"]
    assert answer.header("x-count") == "3"
    assert answer.header("date") != "never"


def test_a_function_that_fails_is_a_bad_gateway(aws: Account) -> None:
    create(aws, code=FAIL)
    answer = ask(public(aws))
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_without_both_permissions_nobody_gets_in(aws: Account) -> None:
    create(aws, code=TELL)
    url = aws.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    assert (ask(url).status, ask(url).json) == (403, {"Message": FORBIDDEN})
    aws.lambda_.add_permission(FunctionName="f", StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
    assert ask(url).status == 403
    aws.lambda_.add_permission(FunctionName="f", StatementId="via", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)
    assert ask(url).status == 200
    aws.lambda_.remove_permission(FunctionName="f", StatementId="url")
    assert ask(url).status == 403


def test_what_may_be_invoked_by_its_url_may_not_be_invoked_otherwise(aws: Account) -> None:
    create(aws, code=TELL)
    public(aws)
    other = aws.node.fresh_account()
    with pytest.raises(ClientError) as error:
        other.lambda_.invoke(FunctionName=arn(aws, "f"))
    assert refused(error)[0] == "AccessDeniedException"


def signed(url: str, access_key: str, secret: str) -> dict[str, str]:
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(access_key, secret), "lambda", "us-east-1").add_auth(request)
    return dict(request.headers)


def user(aws: Account, *actions: str) -> tuple[str, str]:
    """The keys of a user who may do these things with all functions."""
    aws.iam.create_user(UserName="u")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]} if actions else None
    if document:
        aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_with_iam_the_caller_is_known_by_the_signature(aws: Account) -> None:
    create(aws, code=TELL)
    url = aws.lambda_.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"]
    assert ask(url).status == 403
    access_key, secret = user(aws, "lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    event = ask(url, headers=signed(url, access_key, secret)).json["event"]
    caller = event["requestContext"]["authorizer"]["iam"]
    assert (caller["accessKey"], caller["accountId"], caller["userArn"]) == (access_key, aws.id, f"arn:aws:iam::{aws.id}:user/u")
    assert caller["userId"].startswith("AIDA")
    assert event["requestContext"]["accountId"] == aws.id
    assert ask(url, headers=signed(url, access_key, "wrong")).status == 403


def test_with_iam_a_user_needs_the_permission(aws: Account) -> None:
    create(aws, code=TELL)
    url = aws.lambda_.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"]
    access_key, secret = user(aws, "lambda:InvokeFunction")
    assert ask(url, headers=signed(url, access_key, secret)).status == 403
    allow(aws, "f", f"arn:aws:iam::{aws.id}:user/u", "AWS_IAM")
    assert ask(url, headers=signed(url, access_key, secret)).status == 200


CORS = {
    "AllowOrigins": ["https://example.com"],
    "AllowMethods": ["GET", "PUT"],
    "AllowHeaders": ["X-Own"],
    "ExposeHeaders": ["X-Seen"],
    "AllowCredentials": True,
    "MaxAge": 60,
}


def test_a_preflight_is_answered_without_the_function(aws: Account) -> None:
    create(aws, code=FAIL)
    url = public(aws, Cors=CORS)
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-own"}
    answer = ask(url, method="OPTIONS", headers=headers)
    assert answer.status == 200
    shown = {name.lower(): value for name, value in answer.headers if name.lower().startswith("access-control")}
    assert shown == {
        "access-control-allow-origin": "https://example.com",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-own",
        "access-control-allow-credentials": "true",
        "access-control-max-age": "60",
    }
    for refused_headers in ({"Origin": "https://evil.com"}, {"Access-Control-Request-Method": "DELETE"}, {"Access-Control-Request-Headers": "x-b"}):
        assert ask(url, method="OPTIONS", headers=headers | refused_headers).header("access-control-allow-origin") is None


def test_an_answer_may_be_read_by_the_origins_that_are_allowed(aws: Account) -> None:
    create(aws, code=TELL)
    url = public(aws, Cors=CORS)
    answer = ask(url, headers={"Origin": "https://example.com"})
    assert answer.header("access-control-allow-origin") == "https://example.com"
    assert answer.header("access-control-expose-headers") == "X-Seen"
    assert ask(url, headers={"Origin": "https://evil.com"}).header("access-control-allow-origin") is None


def test_without_cors_a_preflight_is_the_functions_own_affair(aws: Account) -> None:
    create(aws, code=TELL)
    answer = ask(public(aws), method="OPTIONS", headers={"Origin": "https://a.com", "Access-Control-Request-Method": "GET"})
    assert answer.json["event"]["requestContext"]["http"]["method"] == "OPTIONS"


def test_a_url_is_made_shown_changed_and_taken_away(aws: Account) -> None:
    create(aws)
    made = aws.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
    assert made["FunctionArn"] == arn(aws, "f")
    assert "InvokeMode" not in made and "LastModifiedTime" not in made
    with pytest.raises(ClientError) as error:
        aws.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
    assert refused(error) == (
        "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {arn(aws, 'f')}]. Error message:  FunctionUrlConfig exists for this"
        " Lambda function",
    )
    changed = aws.lambda_.update_function_url_config(FunctionName="f", AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]})
    assert (changed["AuthType"], changed["Cors"]) == ("AWS_IAM", {"AllowOrigins": ["*"]})
    shown = aws.lambda_.get_function_url_config(FunctionName="f")
    assert (shown["FunctionUrl"], shown["InvokeMode"]) == (made["FunctionUrl"], "BUFFERED")
    aws.lambda_.delete_function_url_config(FunctionName="f")
    for operation in (aws.lambda_.get_function_url_config, aws.lambda_.delete_function_url_config):
        with pytest.raises(ClientError) as error:
            operation(FunctionName="f")
        assert refused(error) == ("ResourceNotFoundException", "The resource you requested does not exist.")
    assert ask(made["FunctionUrl"]).status == 404


def test_an_alias_has_a_url_of_its_own(aws: Account) -> None:
    create(aws, code=TELL, Publish=True)
    with pytest.raises(ClientError) as error:
        aws.lambda_.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert refused(error) == ("ResourceNotFoundException", "Function does not exist")
    aws.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    public(aws)
    aliased = aws.lambda_.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert aliased["FunctionArn"] == arn(aws, "f") + ":live"
    assert ask(aliased["FunctionUrl"]).status == 403  # its policy is its own, too
    listed = aws.lambda_.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]
    assert [config["FunctionArn"] for config in listed] == [arn(aws, "f"), arn(aws, "f") + ":live"]
    aws.lambda_.delete_alias(FunctionName="f", Name="live")
    assert len(aws.lambda_.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]) == 1


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/_tule/lambda-url/abc/"),
        ("http://localhost:4566", "http://abc.lambda-url.eu-west-1.localhost:4566/"),
        ("http://localhost.localstack.cloud:4566", "http://abc.lambda-url.eu-west-1.localhost.localstack.cloud:4566/"),
        ("https://lambda.eu-west-1.amazonaws.com", "https://abc.lambda-url.eu-west-1.on.aws/"),
        ("http://[::1]:4566", "http://[::1]:4566/_tule/lambda-url/abc/"),
        ("http://tule:4566", "http://tule:4566/_tule/lambda-url/abc/"),
    ],
)
def test_the_url_follows_the_address_that_was_asked(endpoint: str, url: str) -> None:
    from tule.services.lambda_.urls.configs import address

    assert address(endpoint, "eu-west-1", "abc") == url


def test_where_nothing_resolves_below_localhost_the_url_is_a_path() -> None:
    from tule.services.lambda_.urls.configs import address

    assert address("http://localhost:4566", "eu-west-1", "abc", below_localhost=False) == "http://localhost:4566/_tule/lambda-url/abc/"
