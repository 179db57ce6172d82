"""SelectObjectContent, from its request to its events."""

from __future__ import annotations

import gzip
from typing import Any

from tests.node import Account
from tests.services.s3.refusals import refusal

_PEOPLE = b'name,age,city\nAnn,31,"Paris, FR"\nBob,22,Rome\nCid,45,\n'
_CSV = {"CSV": {"FileHeaderInfo": "USE"}}


def _select(aws: Account, bucket: str, expression: str, given: dict[str, Any] = _CSV, wanted: dict[str, Any] | None = None) -> str:
    params = {"Expression": expression, "ExpressionType": "SQL", "InputSerialization": given, "OutputSerialization": wanted or {"CSV": {}}}
    events = list(aws.s3.select_object_content(Bucket=bucket, Key="k", **params)["Payload"])
    assert list(events[-1]) == ["End"]
    assert events[-2]["Stats"]["Details"]["BytesScanned"] > 0
    return b"".join(event["Records"]["Payload"] for event in events if "Records" in event).decode()


def test_rows_of_csv_are_chosen(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=_PEOPLE)
    assert _select(aws, bucket, "SELECT s.name, s.city FROM S3Object s WHERE CAST(s.age AS INT) > 30") == 'Ann,"Paris, FR"\nCid,\n'
    assert _select(aws, bucket, "SELECT COUNT(*), MAX(CAST(age AS INT)) FROM S3Object") == "3,45\n"
    assert _select(aws, bucket, "SELECT s.name FROM S3Object s LIMIT 1", wanted={"JSON": {}}) == '{"name":"Ann"}\n'


def test_compressed_json_is_read(aws: Account, bucket: str) -> None:
    lines = b'{"a":{"b":[1,2]},"n":"x"}\n{"a":{"b":[3]},"n":null}\n'
    aws.s3.put_object(Bucket=bucket, Key="k", Body=gzip.compress(lines))
    given = {"JSON": {"Type": "LINES"}, "CompressionType": "GZIP"}
    assert _select(aws, bucket, "SELECT s.a.b[0] AS f FROM S3Object s WHERE s.n IS NULL", given, {"JSON": {}}) == '{"f":3}\n'
    assert _select(aws, bucket, "SELECT * FROM S3Object[*].a.b[*]", given) == "1\n2\n3\n"


def test_a_long_object_is_read_piece_by_piece(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"".join(b"%d,value\n" % number for number in range(60_000)))
    assert _select(aws, bucket, "SELECT _1 FROM S3Object WHERE _1 = '59999'", {"CSV": {}}) == "59999\n"


def test_bad_requests_are_refused(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=_PEOPLE)
    params = {"Bucket": bucket, "Key": "k", "ExpressionType": "SQL", "InputSerialization": _CSV, "OutputSerialization": {"CSV": {}}}
    assert refusal(aws.s3.select_object_content, **params, Expression="SELECT * FROM S3Object WHERE")["Code"] == "ParseUnexpectedToken"
    assert refusal(aws.s3.select_object_content, **{**params, "Key": "none"}, Expression="SELECT * FROM S3Object")["Code"] == "NoSuchKey"
    parquet = {**params, "InputSerialization": {"Parquet": {}}}
    assert refusal(aws.s3.select_object_content, **parquet, Expression="SELECT * FROM S3Object")["Status"] == 501
