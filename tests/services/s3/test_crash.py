"""kill -9: what was acknowledged is there, byte for byte; nothing else is; what is left over is swept."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.node import Account, RunningNode

MIB = 1024 * 1024
_WRITERS = 8
_SIZES = (0, 17, 1_000, 65_536, 65_537, 150_000)
_HOUR_S = 3_600


def _clients(aws: Account) -> list[Any]:
    settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, connect_timeout=10, read_timeout=60)
    return [aws.client("s3", config=settings) for _ in range(_WRITERS)]


def _body(key: str) -> bytes:
    size = random.Random(key).choice(_SIZES)
    return (hashlib.sha256(key.encode()).digest() * (size // 32 + 1))[:size]


def _write_until_killed(node: RunningNode, write: Callable[[int, int], None], enough: Callable[[], bool]) -> None:
    """Every writer goes on until the node is gone, in the middle of it all."""

    def writer(number: int) -> None:
        turn = 0
        try:
            while True:
                write(number, turn)
                turn += 1
        except (BotoCoreError, ClientError):
            return

    with ThreadPoolExecutor(_WRITERS) as pool:
        writers = [pool.submit(writer, number) for number in range(_WRITERS)]
        deadline = time.monotonic() + 60
        while not enough() and time.monotonic() < deadline:
            time.sleep(0.001)
        node.kill()
        for each in writers:
            each.result()


def _files(node: RunningNode) -> list[Path]:
    return [path for path in (node.data / "blobs").rglob("*") if path.is_file()]


def _sweep(node: RunningNode) -> None:
    """Let everything be old, and the sweeper come."""
    for path in _files(node):
        os.utime(path, (0, 0))
    node.advance(25 * _HOUR_S)


def test_objects_that_were_acknowledged_survive_and_no_others_are_there(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="crashed")
    clients = _clients(aws)
    acknowledged: set[str] = set()
    begun: set[str] = set()
    lock = threading.Lock()

    def write(writer: int, turn: int) -> None:
        key = f"{writer}/{turn:06d}"
        with lock:
            begun.add(key)
        clients[writer].put_object(Bucket="crashed", Key=key, Body=_body(key))
        with lock:
            acknowledged.add(key)

    _write_until_killed(node, write, lambda: len(acknowledged) >= 1_000)
    again = start_node()
    s3 = Account(again, aws.id).s3
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="crashed")
    listed = {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}
    assert len(acknowledged) >= 1_000
    assert acknowledged <= listed.keys() <= begun
    _sweep(again)
    for key in listed:
        assert s3.get_object(Bucket="crashed", Key=key)["Body"].read() == _body(key), key
    assert len(_files(again)) == sum(size > 65_536 for size in listed.values())


def test_an_upload_goes_on_after_a_crash_with_the_parts_that_were_acknowledged(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="crashed")
    upload = aws.s3.create_multipart_upload(Bucket="crashed", Key="k")["UploadId"]
    which = {"Bucket": "crashed", "Key": "k", "UploadId": upload}
    bodies = [os.urandom(5 * MIB) for _ in range(_WRITERS)]
    clients = _clients(aws)
    acknowledged: dict[int, str] = {}

    def write(writer: int, turn: int) -> None:
        if turn * _WRITERS + writer < 10_000:
            number = turn * _WRITERS + writer + 1
            acknowledged[number] = clients[writer].upload_part(**which, PartNumber=number, Body=bodies[writer])["ETag"]

    _write_until_killed(node, write, lambda: len(acknowledged) >= 20)
    again = start_node()
    s3 = Account(again, aws.id).s3
    pages = s3.get_paginator("list_parts").paginate(**which)
    listed = {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", [])}
    assert len(acknowledged) >= 20
    assert acknowledged.items() <= listed.items()
    for number, etag in listed.items():
        assert etag == f'"{hashlib.md5(bodies[(number - 1) % _WRITERS]).hexdigest()}"'
    _sweep(again)
    assert len(_files(again)) == len(listed)
    parts = [{"PartNumber": number, "ETag": listed[number]} for number in sorted(listed)]
    s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    digest = hashlib.sha256()
    for piece in s3.get_object(Bucket="crashed", Key="k")["Body"].iter_chunks(MIB):
        digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(b"".join(bodies[(number - 1) % _WRITERS] for number in sorted(listed))).hexdigest()
    s3.delete_object(Bucket="crashed", Key="k")
    again.advance(_HOUR_S)
    assert _files(again) == []


def test_a_body_that_was_cut_leaves_nothing(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="crashed")
    clients = _clients(aws)
    body = os.urandom(32 * MIB)

    def write(writer: int, turn: int) -> None:
        clients[writer].put_object(Bucket="crashed", Key=f"{writer}/{turn}", Body=body)

    _write_until_killed(node, write, lambda: any(path.suffix == ".part" for path in _files(node)))
    again = start_node()
    s3 = Account(again, aws.id).s3
    _sweep(again)
    found = s3.list_objects_v2(Bucket="crashed").get("Contents", [])
    assert len(_files(again)) == len(found)
    for each in found:
        assert s3.get_object(Bucket="crashed", Key=each["Key"])["Body"].read() == body
