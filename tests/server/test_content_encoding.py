"""Compressed requests and answers."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tule.core.errors import ServiceError
from tule.server.content_encoding import decoded, encoded, preferred
from tule.wire.http import Body, BodyTooLarge, Request, Response

DATA = b'{"TableName": "things"}' * 100


def request(body: bytes, encoding: str, **headers: str) -> Request:
    given = {"content-encoding": encoding, "x-amz-target": "DynamoDB_20120810.PutItem", **headers}
    return Request("POST", "/", "", given, Body.of(body), body)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(DATA), "gzip"), (gzip.compress(DATA[:9]) + gzip.compress(DATA[9:]), "GZIP"), (zlib.compress(DATA), "deflate"), (DATA, "amz-1.0")],
    ids=("gzip", "two members", "deflate", "no encoding"),
)
def test_a_compressed_request_is_read_as_what_it_was(body: bytes, encoding: str) -> None:
    assert decoded(request(body, encoding), "dynamodb", 1 << 20).body == DATA


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(DATA, "gzip"), (gzip.compress(DATA)[:-1], "gzip"), (b"", "gzip"), (b"", "deflate"), (DATA, "dog")],
    ids=("no gzip", "cut short", "nothing", "no deflate", "unknown encoding"),
)
def test_what_is_not_compressed_as_it_says_is_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(ServiceError) as refused:
        decoded(request(body, encoding), "dynamodb", 1 << 20)
    assert refused.value.status == 500


def test_a_small_request_that_grows_large_is_refused() -> None:
    with pytest.raises(BodyTooLarge):
        decoded(request(gzip.compress(b" " * (2 << 20)), "gzip"), "dynamodb", 1 << 20)


def test_requests_of_other_services_stay_as_they_are() -> None:
    other = request(gzip.compress(DATA), "gzip")
    assert decoded(other, "kinesis", 1 << 20) is other


def test_large_answers_of_dynamodb_are_compressed_for_those_who_accept_it() -> None:
    answer = encoded(Response(200, {"x-amz-crc32": "0"}, b"x" * 5000), request(b"", "", **{"accept-encoding": "gzip"}), "dynamodb")
    assert answer.headers["content-encoding"] == "gzip"
    assert isinstance(answer.body, bytes)
    assert gzip.decompress(answer.body) == b"x" * 5000
    assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.body))


def test_of_several_headers_the_first_says_what_is_accepted() -> None:
    asked = request(b"", "", **{"accept-encoding": "identity,gzip"})
    asked.raw_headers = [("Accept-Encoding", "identity"), ("Accept-Encoding", "gzip")]
    assert encoded(Response(200, {}, b"x" * 5000), asked, "dynamodb").body == b"x" * 5000


@pytest.mark.parametrize(("size", "service", "accepted"), [(4000, "dynamodb", "gzip"), (5000, "sqs", "gzip"), (5000, "dynamodb", "br, identity")])
def test_other_answers_are_sent_as_they_are(size: int, service: str, accepted: str) -> None:
    answer = encoded(Response(200, {}, b"x" * size), request(b"", "", **{"accept-encoding": accepted}), service)
    assert answer.body == b"x" * size


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate", "gzip"),
        ("br, identity, deflate, gzip", "deflate"),
        ("gzip;q=0.8, deflate;q=0.9", "deflate"),
        ("*", "gzip"),
        ("*, deflate", "deflate"),
        ("*, gzip;q=0.5", "deflate"),
        ("gzip ;q=0", None),
        ("gzip;q=0, gzip;q=1, gzip;q=0", "gzip"),
        ("deflate;q=0.5,gzip;q=0.x", "gzip"),
        ("deflate;q=-0.5,gzip;q=0.2", "gzip"),
        ('"gzip"', None),
    ],
)
def test_the_most_wanted_encoding_is_taken(accepted: str, encoding: str | None) -> None:
    assert preferred(accepted) == encoding
