"""Static websites on their own hosts."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.node import Account

_RULES = [
    {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
    {
        "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "gone/"},
        "Redirect": {"HostName": "else.test", "HttpRedirectCode": "302"},
    },
]


@pytest.fixture
def site(aws: Account) -> str:
    """A bucket that everybody may read and list, with a website of three pages."""
    name = f"site.of-{aws.id}"
    aws.s3.create_bucket(Bucket=name)
    aws.s3.delete_public_access_block(Bucket=name)
    arn = f"arn:aws:s3:::{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [arn, f"{arn}/*"]}
    aws.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    website = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}, "RoutingRules": _RULES}
    aws.s3.put_bucket_website(Bucket=name, WebsiteConfiguration=website)
    for key in ("index.html", "sub/index.html"):
        aws.s3.put_object(Bucket=name, Key=key, Body=key.encode(), ContentType="text/html")
    aws.s3.put_object(Bucket=name, Key="old", WebsiteRedirectLocation="/sub/")
    return name


def _visit(aws: Account, host: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    """Status, Location, body."""
    with closing(http.client.HTTPConnection(urlsplit(aws.node.url).netloc, timeout=30)) as connection:
        connection.request(method, path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.getheader("location", ""), answer.read()


@pytest.mark.parametrize(
    "form", ["{}.s3-website-us-east-1.amazonaws.com", "{}.s3-website.eu-central-1.amazonaws.com", "{}.s3-website.localhost:4566"]
)
def test_both_forms_of_host_serve_the_index(aws: Account, site: str, form: str) -> None:
    assert _visit(aws, form.format(site), "/") == (200, "", b"index.html")


def test_directories_have_index_documents(aws: Account, site: str) -> None:
    host = f"{site}.s3-website-us-east-1.localhost"
    assert _visit(aws, host, "/sub/") == (200, "", b"sub/index.html")
    assert _visit(aws, host, "/sub") == (302, "/sub/", b"")
    assert _visit(aws, host, "/old") == (301, "/sub/", b"")


def test_rules_lead_elsewhere(aws: Account, site: str) -> None:
    host = f"{site}.s3-website-us-east-1.localhost"
    assert _visit(aws, host, "/docs/a%20b") == (301, f"http://{host}/documents/a%20b", b"")
    assert _visit(aws, host, "/gone/x") == (302, "http://else.test/gone/x", b"")
    everything = {"RedirectAllRequestsTo": {"HostName": "new.test", "Protocol": "https"}}
    aws.s3.put_bucket_website(Bucket=site, WebsiteConfiguration=everything)
    assert _visit(aws, host, "/a/b?c=d")[:2] == (301, "https://new.test/a/b?c=d")


def test_errors_have_pages(aws: Account, site: str) -> None:
    host = f"{site}.s3-website-us-east-1.localhost"
    status, _, body = _visit(aws, host, "/none")
    assert status == 404
    assert b"<li>Code: NoSuchKey</li>" in body
    assert b"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>" in body
    aws.s3.put_object(Bucket=site, Key="error.html", Body=b"oops")
    assert _visit(aws, host, "/none") == (404, "", b"oops")
    assert _visit(aws, host, "/", "DELETE")[0] == 405
    status, _, body = _visit(aws, f"no-{site}.s3-website-us-east-1.localhost", "/")
    assert (status, b"<li>Code: NoSuchBucket</li>" in body) == (404, True)


def test_visitors_may_only_what_everybody_may(aws: Account, bucket: str) -> None:
    aws.s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    aws.s3.put_object(Bucket=bucket, Key="i", Body=b"secret")
    status, _, body = _visit(aws, f"{bucket}.s3-website-us-east-1.localhost", "/")
    assert (status, b"secret" in body, b"<li>Code: AccessDenied</li>" in body) == (403, False, True)


def test_browsers_keep_what_has_not_changed(aws: Account, site: str) -> None:
    etag = aws.s3.head_object(Bucket=site, Key="index.html")["ETag"]
    assert _visit(aws, f"{site}.s3-website-us-east-1.localhost", "/", **{"If-None-Match": etag})[0] == 304
    assert _visit(aws, f"{site}.s3-website-us-east-1.localhost", "/", Range="bytes=0-4") == (206, "", b"index")
