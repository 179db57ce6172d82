"""Inventories that are really written."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal
from tule.services.s3 import inventory

DAY_S = 86_400
_numbers = itertools.count()


def _bucket(aws: Account) -> str:
    name = f"inventory-{aws.id}-{next(_numbers)}"
    aws.s3.create_bucket(Bucket=name)
    return name


def _open(aws: Account, target: str, source: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"}, "StringEquals": {"aws:SourceAccount": aws.id}},
    }
    aws.s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _configuration(target: str, **more: Any) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV", "Prefix": "lists", **more.pop("destination", {})}
    wanted = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"}}
    return {**wanted, "Destination": {"S3BucketDestination": destination}, **more}


def _put(aws: Account, source: str, configuration: dict[str, Any]) -> None:
    aws.s3.put_bucket_inventory_configuration(Bucket=source, Id="i", InventoryConfiguration=configuration)


def _keys(aws: Account, bucket: str) -> list[str]:
    return [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def _read(aws: Account, bucket: str, key: str) -> bytes:
    return aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _manifest(aws: Account, target: str) -> dict[str, Any]:
    (key,) = [key for key in _keys(aws, target) if key.endswith("/manifest.json")]
    text = _read(aws, target, key)
    assert _read(aws, target, key.replace(".json", ".checksum")) == hashlib.md5(text).hexdigest().encode()
    return json.loads(text)


def _rows(aws: Account, target: str, manifest: dict[str, Any]) -> list[list[str]]:
    found: list[list[str]] = []
    for file in manifest["files"]:
        data = _read(aws, target, file["key"])
        assert (len(data), hashlib.md5(data).hexdigest()) == (file["size"], file["MD5checksum"])
        found += csv.reader(io.StringIO(gzip.decompress(data).decode()))
    return found


def test_current_objects_are_listed_the_next_midnight(turned: Account) -> None:
    source, target = _bucket(turned), _bucket(turned)
    _open(turned, target, source)
    turned.s3.put_object(Bucket=source, Key="in/a b,é", Body=b"12345", StorageClass="STANDARD_IA")
    turned.s3.put_object(Bucket=source, Key="in/kms", Body=b"x", ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
    turned.s3.put_object(Bucket=source, Key="out", Body=b"x")
    optional = ["Size", "ETag", "StorageClass", "IsMultipartUploaded", "EncryptionStatus", "BucketKeyStatus", "ChecksumAlgorithm"]
    _put(turned, source, _configuration(target, Filter={"Prefix": "in/"}, OptionalFields=optional))
    assert _keys(turned, target) == []
    turned.node.advance(DAY_S)
    manifest = _manifest(turned, target)
    assert manifest["fileSchema"] == ", ".join(["Bucket", "Key", *optional])
    assert (manifest["sourceBucket"], manifest["destinationBucket"], manifest["fileFormat"]) == (source, f"arn:aws:s3:::{target}", "CSV")
    kms = turned.s3.head_object(Bucket=source, Key="in/kms")["ETag"].strip('"')
    assert _rows(turned, target, manifest) == [
        [source, "in/a%20b%2C%C3%A9", "5", hashlib.md5(b"12345").hexdigest(), "STANDARD_IA", "false", "SSE-S3", "", "CRC32"],
        [source, "in/kms", "1", kms, "STANDARD", "false", "SSE-KMS", "ENABLED", "CRC32"],
    ]
    assert all(key.startswith(f"lists/{source}/i/") for key in _keys(turned, target))
    (links,) = [key for key in _keys(turned, target) if key.endswith("symlink.txt")]
    assert _read(turned, target, links).decode() == f"s3://{target}/{manifest['files'][0]['key']}"
    turned.node.advance(DAY_S)
    assert len([key for key in _keys(turned, target) if key.endswith("/manifest.json")]) == 2


def test_all_versions_and_markers_are_listed_over_pages(turned: Account) -> None:
    source, target = _bucket(turned), _bucket(turned)
    _open(turned, target, source)
    turned.s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Enabled"})
    first = turned.s3.put_object(Bucket=source, Key="0", Body=b"1")["VersionId"]
    second = turned.s3.put_object(Bucket=source, Key="0", Body=b"22")["VersionId"]
    for number in range(1, 520):
        turned.s3.put_object(Bucket=source, Key=f"{number:04d}", Body=b"")
    marker = turned.s3.delete_object(Bucket=source, Key="zz")["VersionId"]
    _put(turned, source, _configuration(target, IncludedObjectVersions="All", OptionalFields=["Size"]))
    turned.node.advance(DAY_S)
    rows = _rows(turned, target, _manifest(turned, target))
    assert len(rows) == 522
    assert rows[:2] == [[source, "0", second, "true", "false", "2"], [source, "0", first, "false", "false", "1"]]
    assert rows[-1] == [source, "zz", marker, "true", "true", ""]


def test_what_the_destination_refuses_is_not_written_and_tried_again_the_next_day(turned: Account) -> None:
    source, target = _bucket(turned), _bucket(turned)
    turned.s3.put_object(Bucket=source, Key="k", Body=b"x")
    _put(turned, source, _configuration(target))
    turned.node.advance(DAY_S)
    assert _keys(turned, target) == []
    _open(turned, target, source)
    turned.node.advance(DAY_S)
    assert len(_rows(turned, target, _manifest(turned, target))) == 1


def test_disabled_and_deleted_ones_write_nothing(turned: Account) -> None:
    source, target = _bucket(turned), _bucket(turned)
    _open(turned, target, source)
    _put(turned, source, _configuration(target))
    _put(turned, source, _configuration(target, IsEnabled=False))
    turned.node.advance(2 * DAY_S)
    _put(turned, source, _configuration(target))
    turned.s3.delete_bucket_inventory_configuration(Bucket=source, Id="i")
    turned.node.advance(2 * DAY_S)
    assert _keys(turned, target) == []


@pytest.mark.parametrize("format_", ["ORC", "Parquet"])
def test_other_formats_are_refused_and_named(aws: Account, bucket: str, format_: str) -> None:
    wanted = _configuration(bucket, destination={"Format": format_})
    error = refusal(aws.s3.put_bucket_inventory_configuration, Bucket=bucket, Id="i", InventoryConfiguration=wanted)
    assert (error["Status"], format_ in error["Message"]) == (501, True)


@pytest.mark.parametrize(("now", "daily", "weekly"), [("2026-11-21", "2026-11-22", "2026-11-22"), ("2026-11-22", "2026-11-23", "2026-11-29")])
def test_weekly_ones_are_written_on_sundays(now: str, daily: str, weekly: str) -> None:
    def ms(day: str) -> int:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)

    assert inventory.next_run(ms(now) + 5, "Daily") == ms(daily)
    assert inventory.next_run(ms(now) + 5, "Weekly") == ms(weekly)
