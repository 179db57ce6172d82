"""Prefixes, times and compression, by themselves."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.services.firehose import compression, prefixes
from tule.services.firehose.prefixes import Facts

TIME = datetime(2018, 8, 27, 10, 5, 9, 123_456, tzinfo=UTC)
FACTS = Facts(TIME, "a1b2c3d4e5f", "processing-failed", {"customer": "7"}, {"kind": "x"})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy/MM/dd/HH/", "2018/08/27/10/"),
        ("yy-M-d H:mm:ss.SSS", "18-8-27 10:05:09.123"),
        ("'year='yyyy'/it''s'", "year=2018/it's"),
        ("EEE, dd MMM yyyy hh:mm a", "Mon, 27 Aug 2018 10:05 AM"),
        ("D", "239"),
    ],
)
def test_times_are_written_as_java_writes_them(pattern: str, expected: str) -> None:
    assert prefixes.format_time(pattern, TIME) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", "2018/08/27/10/"),
        ("legacyPrefix", "legacyPrefix2018/08/27/10/"),
        ("myPrefix/!{timestamp:yyyy}/anyMonth/", "myPrefix/2018/anyMonth/"),
        ("!{firehose:random-string}/!{firehose:random-string}/", "a1b2c3d4e5f/a1b2c3d4e5f/"),
        ("c=!{partitionKeyFromQuery:customer}/k=!{partitionKeyFromLambda:kind}/", "c=7/k=x/"),
    ],
)
def test_a_prefix_of_data_is_evaluated(prefix: str, expected: str) -> None:
    assert prefixes.of_data(prefix, FACTS) == expected


@pytest.mark.parametrize(
    ("error_prefix", "prefix", "expected"),
    [
        ("", "", "processing-failed/2018/08/27/10/"),
        ("", "p/", "p/processing-failed/2018/08/27/10/"),
        ("e/", "p/", "e/processing-failed/2018/08/27/10/"),
        ("e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "p/", "e/processing-failed/2018/"),
    ],
)
def test_a_prefix_of_errors_is_evaluated(error_prefix: str, prefix: str, expected: str) -> None:
    assert prefixes.of_errors(error_prefix, prefix, FACTS) == expected


def test_a_partition_key_that_is_missing_is_told() -> None:
    with pytest.raises(prefixes.MissingKey, match="nobody"):
        prefixes.of_data("!{partitionKeyFromQuery:nobody}/", FACTS)


def _unframed(data: bytes) -> bytes:
    """What snappy's framing format holds, of chunks that are not compressed."""
    assert data[:10] == b"\xff\x06\x00\x00sNaPpY"
    at, found = 10, b""
    while at < len(data):
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 4], "little")
        assert kind == 1
        found += data[at + 8 : at + 4 + length]
        at += 4 + length
    return found


def _raw(data: bytes) -> bytes:
    """What snappy's raw format holds, of literals."""
    match = re.match(rb"[\x80-\xff]*[\x00-\x7f]", data)
    assert match is not None
    expected = sum((byte & 127) << 7 * i for i, byte in enumerate(match[0]))
    at, found = match.end(), b""
    while at < len(data):
        assert data[at] == 0xF4
        length = struct.unpack_from("<H", data, at + 1)[0] + 1
        found += data[at + 3 : at + 3 + length]
        at += 3 + length
    assert len(found) == expected
    return found


@given(st.binary(max_size=300), st.integers(1, 2_000))
def test_what_snappy_holds_is_what_was_given(piece: bytes, times: int) -> None:
    data = piece * times
    assert _unframed(compression.compress("Snappy", data, "n")) == data
    hadoop, at, found = compression.compress("HADOOP_SNAPPY", data, "n"), 0, b""
    while at < len(hadoop):
        length, packed = struct.unpack_from(">II", hadoop, at)
        block = _raw(hadoop[at + 8 : at + 8 + packed])
        assert len(block) == length
        found += block
        at += 8 + packed
    assert found == data


def test_snappys_checksum_is_the_masked_crc_of_castagnoli() -> None:
    framed = compression.compress("Snappy", b"123456789", "n")
    crc = 0xE3069283
    assert int.from_bytes(framed[14:18], "little") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
