"""The pure rules: names, ranges, preconditions, checksums put together, policies."""

from __future__ import annotations

import base64
import zlib

import pytest
from awscrt import checksums as crt
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.services.s3 import checksums, errors, metadata, names, policy_rules, preconditions, ranges
from tule.services.s3.content import Digests
from tule.services.s3.ranges import Span


@pytest.mark.parametrize("name", ["abc", "a-b.c1", "0aa", "x" * 63])
def test_a_bucket_name_of_lower_case_letters_digits_dots_and_hyphens_is_taken(name: str) -> None:
    names.check_bucket_name(name)


@pytest.mark.parametrize("name", ["ab", "x" * 64, "Abc", "a_b", "-ab", "ab-", "a..b", "192.168.1.1", "xn--abc", "abc-s3alias", "abc--x-s3", "a b"])
def test_a_bucket_name_against_the_rules_is_refused(name: str) -> None:
    with pytest.raises(ServiceError, match="InvalidBucketName"):
        names.check_bucket_name(name)


_keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(_keys.filter(bool), _keys)
def test_what_comes_after_a_prefix_is_greater_than_everything_below_it_and_nothing_is_between(prefix: str, rest: str) -> None:
    bound = names.after_all_with(prefix)
    assert (prefix + rest).encode() < bound.encode()
    if not rest.startswith(prefix) and prefix.encode() < rest.encode():
        assert bound.encode() <= rest.encode()


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-4", Span(0, 5)),
        ("bytes=5-", Span(5, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-15", Span(0, 10)),
        ("bytes=8-100", Span(8, 10)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("pieces=0-1", None),
        (None, None),
    ],
)
def test_a_range_of_ten_bytes(header: str | None, span: Span | None) -> None:
    assert ranges.span(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_a_single_byte_is_not_satisfiable(header: str) -> None:
    with pytest.raises(ServiceError) as caught:
        ranges.span(header, 10)
    assert (caught.value.code, caught.value.status) == ("InvalidRange", 416)
    assert caught.value.fields == {"RangeRequested": header, "ActualObjectSize": "10"}


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ({"IfMatch": '"e"'}, None),
        ({"IfMatch": '"x", "e"'}, None),
        ({"IfMatch": "*"}, None),
        ({"IfMatch": '"x"'}, 412),
        ({"IfMatch": '"e"', "IfUnmodifiedSince": 50}, None),
        ({"IfUnmodifiedSince": 50}, 412),
        ({"IfUnmodifiedSince": 100}, None),
        ({"IfNoneMatch": '"e"'}, 304),
        ({"IfNoneMatch": '"x"'}, None),
        ({"IfNoneMatch": '"x"', "IfModifiedSince": 150}, None),
        ({"IfModifiedSince": 100}, 304),
        ({"IfModifiedSince": 99}, None),
        ({"IfMatch": '"x"', "IfNoneMatch": '"e"'}, 412),
    ],
)
def test_conditions_of_reads_entity_tags_before_dates_and_failing_before_not_modified(conditions: dict[str, object], outcome: int | None) -> None:
    def status() -> int | None:
        try:
            preconditions.check_read(conditions, "e", 100_400, errors.not_modified({}))
        except ServiceError as error:
            return error.status
        return None

    assert status() == outcome


def _checksum(algorithm: str, data: bytes) -> str:
    digests = Digests(algorithm)
    digests.update(data)
    return digests.checksum(algorithm).value


_CRCS = {"CRC32": (zlib.crc32, 4), "CRC32C": (crt.crc32c, 4), "CRC64NVME": (crt.crc64nvme, 8)}


@given(st.sampled_from(sorted(_CRCS)), st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_checksums_of_parts_combine_to_that_of_the_whole(algorithm: str, parts: list[bytes]) -> None:
    function, size = _CRCS[algorithm]
    whole = base64.b64encode(function(b"".join(parts)).to_bytes(size)).decode()
    combined = checksums.combined(algorithm, [(_checksum(algorithm, part), len(part)) for part in parts])
    assert combined == (algorithm, "FULL_OBJECT", whole)


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [("CRC32", "y/Q5Jg=="), ("CRC32C", "4waSgw=="), ("CRC64NVME", "rosUhgp5mIg="), ("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE=")],
)
def test_the_check_value_of_each_algorithm_is_the_published_one(algorithm: str, value: str) -> None:
    assert _checksum(algorithm, b"123456789") == value


def _policy(**statement: object) -> dict[str, object]:
    return {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **statement}]}


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["111111111111", "*"]}},
        {"Condition": {"StringEquals": {"aws:Referer": "x"}}},
        {"Condition": {"StringLike": {"aws:PrincipalArn": "*"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
    ],
)
def test_a_policy_that_lets_everybody_in_is_public(statement: dict[str, object]) -> None:
    assert policy_rules.is_public(_policy(**statement))


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny"},
        {"Principal": {"AWS": "111111111111"}},
        {"Principal": {"Service": "cloudfront.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::other"}}},
    ],
)
def test_a_policy_for_some_is_not_public(statement: dict[str, object]) -> None:
    assert not policy_rules.is_public(_policy(**statement))


def test_metadata_beyond_ascii_is_shown_as_rfc_2047() -> None:
    sent = "grün_=".encode().decode("latin-1")  # as HTTP hands over the bytes of a header
    kept = metadata.encoded(metadata.of_request({"Metadata": {"Word": sent, "plain": "a_b"}}))
    assert metadata.decoded(kept)["Metadata"] == {"word": "grün_=", "plain": "a_b"}
    assert metadata.shown(kept)["Metadata"] == {"word": "=?UTF-8?Q?gr=C3=BCn=5F=3D?=", "plain": "a_b"}
