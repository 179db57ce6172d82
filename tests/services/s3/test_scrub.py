"""Bit rot is found and told, and nothing is changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.node import Account, RunningNode

MIB = 1024 * 1024
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


def _scrub(node: RunningNode) -> tuple[int, dict[str, Any]]:
    command = [str(Path(sys.executable).with_name("tule")), "doctor", "--scrub", "--json", "--data", str(node.data)]
    if node._store:
        command += ["--store", node._store]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def _blobs(node: RunningNode) -> list[Path]:
    return [path for path in (node.data / "blobs").rglob("*") if path.is_file()]


def _filled(node: RunningNode) -> Account:
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="scrubbed")
    aws.s3.put_object(Bucket="scrubbed", Key="small", Body=b"small")
    aws.s3.put_object(Bucket="scrubbed", Key="large", Body=os.urandom(100_000))
    aws.s3.put_object(Bucket="scrubbed", Key="kms", Body=os.urandom(300_000), ServerSideEncryption="aws:kms:dsse")
    aws.s3.put_object(Bucket="scrubbed", Key="customer", Body=os.urandom(200_000), **CUSTOMER)
    upload = aws.s3.create_multipart_upload(Bucket="scrubbed", Key="parts")["UploadId"]
    parts: list[dict[str, Any]] = []
    for number, body in enumerate((os.urandom(5 * MIB), b"last"), 1):
        etag = aws.s3.upload_part(Bucket="scrubbed", Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    aws.s3.complete_multipart_upload(Bucket="scrubbed", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    return aws


def test_a_scrub_beside_a_running_node_names_what_has_changed(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = _filled(node)
    status, report = _scrub(node)
    assert (status, report["damaged"], report["versions"], report["blobs"]) == (0, [], 5, 4)
    lengths = {path.stat().st_size: path for path in _blobs(node)}
    rotten = lengths[min(lengths)]
    stored = rotten.read_bytes()
    rotten.write_bytes(stored[:50_000] + bytes([stored[50_000] ^ 4]) + stored[50_001:])
    status, report = _scrub(node)
    assert status == 1
    assert [each["where"] for each in report["damaged"]] == ["s3://scrubbed/large"]
    assert rotten.read_bytes() != stored
    cut = lengths[max(lengths)]
    cut.write_bytes(cut.read_bytes()[:-70_000])
    for path in set(_blobs(node)) - {rotten, cut}:
        path.unlink()
    status, report = _scrub(node)
    assert {each["where"] for each in report["damaged"]} == {f"s3://scrubbed/{key}" for key in ("large", "parts", "kms", "customer")}
    assert aws.s3.get_object(Bucket="scrubbed", Key="small")["Body"].read() == b"small"


def test_bytes_in_rows_are_vouched_for_without_their_keys(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    if node._store:
        return  # the row is changed behind SQLite's back
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="vouched")
    aws.s3.put_object(Bucket="vouched", Key="kms", Body=b"a", ServerSideEncryption="aws:kms")
    aws.s3.put_object(Bucket="vouched", Key="customer", Body=b"b", **CUSTOMER)
    assert _scrub(node)[0] == 0
    with closing(sqlite3.connect(node.data / "tule.db", timeout=20)) as database:
        for key, data in database.execute("SELECT key, data FROM s3_objects").fetchall():
            database.execute("UPDATE s3_objects SET data = ? WHERE key = ?", (bytes([data[0] ^ 1]) + data[1:], key))
        database.commit()
    status, report = _scrub(node)
    assert (status, {each["where"] for each in report["damaged"]}) == (1, {"s3://vouched/kms", "s3://vouched/customer"})
