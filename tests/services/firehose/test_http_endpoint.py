"""Delivery to HTTP endpoints, and to destinations that are not there."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.node import Account
from tests.services.firehose.house import at_once, bucket, failures, objects, put, role


@dataclass
class Endpoint:
    """A server that keeps what it is sent; `status` and `answer` are what it says."""

    url: str = ""
    status: int = 200
    answer: dict[str, Any] | None = None
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.requests.append(({key.lower(): value for key, value in self.headers.items()}, body))
            said = {"requestId": self.headers["x-amz-firehose-request-id"], "timestamp": 1}
            answer = json.dumps(said if state.answer is None else state.answer).encode()
            self.send_response(state.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/in"
    yield state
    server.shutdown()
    server.server_close()


def _stream(aws: Account, url: str, target: str, **more: Any) -> None:
    allowed = role(aws)
    config: dict[str, Any] = {
        "EndpointConfiguration": {"Url": url, "Name": "e", "AccessKey": "secret"},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
        "RetryOptions": {"DurationInSeconds": 60},
        "S3Configuration": at_once(allowed, target, Prefix="kept/", ErrorOutputPrefix="errors/"),
        **more,
    }
    aws.firehose.create_delivery_stream(DeliveryStreamName="d", HttpEndpointDestinationConfiguration=config)


def test_an_endpoint_gets_the_request_that_aws_sends(turned: Account, endpoint: Endpoint) -> None:
    target = bucket(turned)
    _stream(
        turned,
        endpoint.url,
        target,
        RequestConfiguration={"ContentEncoding": "GZIP", "CommonAttributes": [{"AttributeName": "a", "AttributeValue": "1"}]},
    )
    put(turned, "d", b"one", b"two")
    turned.node.advance(1)
    ((headers, body),) = endpoint.requests
    request = json.loads(gzip.decompress(body))
    assert request["requestId"] == headers["x-amz-firehose-request-id"]
    assert isinstance(request["timestamp"], int)
    assert [base64.b64decode(record["data"]) for record in request["records"]] == [b"one", b"two"]
    assert headers["x-amz-firehose-protocol-version"] == "1.0"
    assert headers["x-amz-firehose-source-arn"] == f"arn:aws:firehose:us-east-1:{turned.id}:deliverystream/d"
    assert headers["x-amz-firehose-access-key"] == "secret"
    assert json.loads(headers["x-amz-firehose-common-attributes"]) == {"commonAttributes": {"a": "1"}}
    assert (headers["content-encoding"], headers["content-type"]) == ("gzip", "application/json")
    turned.node.advance(600)
    assert len(endpoint.requests) == 1
    assert objects(turned, target) == {}


def test_a_request_is_repeated_until_the_endpoint_takes_it(turned: Account, endpoint: Endpoint) -> None:
    endpoint.status = 503
    target = bucket(turned)
    _stream(turned, endpoint.url, target)
    put(turned, "d", b"one")
    turned.node.advance(20)
    assert len(endpoint.requests) > 1
    endpoint.status = 200
    turned.node.advance(60)
    assert len({headers["x-amz-firehose-request-id"] for headers, _ in endpoint.requests}) == 1
    assert objects(turned, target) == {}


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (500, None, "HttpEndpoint.DestinationException"),
        (200, {"requestId": "other", "timestamp": 1}, "HttpEndpoint.InvalidResponseFromDestination"),
        (200, {"timestamp": 1}, "HttpEndpoint.InvalidResponseFromDestination"),
    ],
)
def test_what_an_endpoint_does_not_take_goes_to_the_errors(
    turned: Account, endpoint: Endpoint, status: int, answer: dict[str, Any] | None, expected: str
) -> None:
    endpoint.status, endpoint.answer = status, answer
    target = bucket(turned)
    _stream(turned, endpoint.url, target)
    put(turned, "d", b"one", b"two")
    turned.node.advance(30)
    assert objects(turned, target) == {}
    turned.node.advance(120)
    found = failures(turned, target, "errors/http-endpoint-failed/")
    assert [(entry["errorCode"], base64.b64decode(entry["rawData"])) for entry in found] == [(expected, b"one"), (expected, b"two")]
    assert all(entry["attemptsMade"] == len(endpoint.requests) > 1 for entry in found)


def test_what_is_too_large_for_an_endpoint_is_not_sent_again(turned: Account, endpoint: Endpoint) -> None:
    endpoint.status = 413
    target = bucket(turned)
    _stream(turned, endpoint.url, target)
    put(turned, "d", b"one")
    turned.node.advance(1)
    assert len(failures(turned, target, "errors/")) == len(endpoint.requests) == 1


def test_everything_is_kept_in_s3_as_well_when_asked(turned: Account, endpoint: Endpoint) -> None:
    target = bucket(turned)
    _stream(turned, endpoint.url, target, S3BackupMode="AllData")
    put(turned, "d", b"one", b"two")
    turned.node.advance(1)
    assert len(endpoint.requests) == 1
    assert list(objects(turned, target, "kept/").values()) == [b"onetwo"]


def test_an_endpoint_that_is_not_there_fails_visibly(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, "http://127.0.0.1:9/none", target)
    put(turned, "d", b"one")
    turned.node.advance(120)
    assert [entry["errorCode"] for entry in failures(turned, target, "errors/http-endpoint-failed/")] == ["HttpEndpoint.ConnectionFailed"]


def test_a_search_domain_that_is_not_there_fails_visibly(turned: Account) -> None:
    target, allowed = bucket(turned), role(turned)
    turned.firehose.create_delivery_stream(
        DeliveryStreamName="d",
        AmazonopensearchserviceDestinationConfiguration={
            "RoleARN": allowed,
            "DomainARN": f"arn:aws:es:us-east-1:{turned.id}:domain/docs",
            "IndexName": "i",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
            "RetryOptions": {"DurationInSeconds": 30},
            "S3Configuration": at_once(allowed, target),
        },
    )
    put(turned, "d", b"one")
    turned.node.advance(120)
    (failed,) = failures(turned, target, "AmazonOpenSearchService_failed/")
    assert failed["errorCode"] == "AmazonOpenSearch.ConnectionFailed"
    assert base64.b64decode(failed["rawData"]) == b"one"


def test_what_redshift_cannot_load_is_named_by_a_manifest(turned: Account) -> None:
    target, allowed = bucket(turned), role(turned)
    turned.firehose.create_delivery_stream(
        DeliveryStreamName="d",
        RedshiftDestinationConfiguration={
            "RoleARN": allowed,
            "ClusterJDBCURL": "jdbc:redshift://c.us-east-1.redshift.amazonaws.com:5439/dev",
            "CopyCommand": {"DataTableName": "t"},
            "Username": "u",
            "Password": "p" * 8,
            "RetryOptions": {"DurationInSeconds": 30},
            "S3Configuration": at_once(allowed, target, Prefix="in/"),
        },
    )
    put(turned, "d", b"row")
    turned.node.advance(120)
    ((key, content),) = objects(turned, target, "in/2").items()
    assert content == b"row"
    (manifest,) = failures(turned, target, "in/errors/manifests/")
    assert manifest == {"entries": [{"url": f"s3://{target}/{key}", "mandatory": True}]}
