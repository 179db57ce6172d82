from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode

_WRITERS = 8


def _together(action: Callable[[int], Any]) -> list[Any]:
    """What each of several writers at once got: a result, or the code of an error."""

    def one(number: int) -> Any:
        try:
            return action(number)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(one, range(_WRITERS)))


def test_of_many_who_write_where_nothing_is_one_wins(aws: Account, bucket: str) -> None:
    s3 = aws.s3
    done = _together(lambda number: s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfNoneMatch="*")["ETag"])
    assert sorted(each == "PreconditionFailed" for each in done) == [False] + [True] * (_WRITERS - 1)


def test_of_many_who_swap_a_known_version_one_wins(aws: Account, bucket: str) -> None:
    s3 = aws.s3
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    done = _together(lambda number: s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfMatch=etag)["ETag"])
    winners = [each for each in done if each != "PreconditionFailed"]
    assert winners == [s3.head_object(Bucket=bucket, Key="k")["ETag"]]


def test_of_many_who_make_a_bucket_one_account_gets_it(node: RunningNode) -> None:
    accounts = [node.fresh_account() for _ in range(_WRITERS)]
    clients = [account.s3 for account in accounts]
    name = f"contested-{accounts[0].id}"
    done = _together(lambda number: clients[number].create_bucket(Bucket=name)["Location"])
    assert sorted(done) == sorted([f"/{name}"] + ["BucketAlreadyExists"] * (_WRITERS - 1))


def test_concurrent_writes_to_a_versioned_key_are_all_kept_and_one_is_the_latest(aws: Account, versioned: str) -> None:
    s3 = aws.s3
    made = _together(lambda number: s3.put_object(Bucket=versioned, Key="k", Body=b"%d" % number)["VersionId"])
    listed = s3.list_object_versions(Bucket=versioned)["Versions"]
    assert {each["VersionId"] for each in listed} == set(made)
    assert [each["IsLatest"] for each in listed] == [True] + [False] * (_WRITERS - 1)


def test_concurrent_completions_of_one_upload_agree(aws: Account, bucket: str) -> None:
    s3 = aws.s3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    done = _together(lambda _: s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts)["ETag"])
    assert len(set(done)) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize("size", [1_000, 300_000])
def test_what_was_acknowledged_is_there_after_kill_minus_nine(start_node: Callable[..., RunningNode], size: int) -> None:
    body = os.urandom(size)
    first = start_node()
    account = first.fresh_account()
    account.s3.create_bucket(Bucket="kept")
    for number in range(5):
        account.s3.put_object(Bucket="kept", Key=f"k{number}", Body=body)
    first.kill()
    second = start_node()
    again = Account(second, account.id)
    assert [again.s3.get_object(Bucket="kept", Key=f"k{number}")["Body"].read() == body for number in range(5)] == [True] * 5


@pytest.mark.parametrize("size", [1_000, 700_000])
def test_of_many_who_write_one_key_one_wins_whole(aws: Account, bucket: str, size: int) -> None:
    s3 = aws.s3
    bodies = [bytes([65 + number]) * (size + number) for number in range(_WRITERS)]
    for _ in range(3):
        etags = _together(lambda number: s3.put_object(Bucket=bucket, Key="k", Body=bodies[number])["ETag"])
        got = s3.get_object(Bucket=bucket, Key="k")
        body = got["Body"].read()
        assert body in bodies
        assert (got["ETag"], got["ContentLength"]) == (etags[bodies.index(body)], len(body))


def test_readers_of_a_key_that_is_written_see_one_version_whole(aws: Account, bucket: str) -> None:
    s3 = aws.s3
    bodies = [bytes([65 + number]) * 400_000 for number in range(_WRITERS)]
    s3.put_object(Bucket=bucket, Key="k", Body=bodies[0])

    def turn(number: int) -> bytes:
        if number % 2:
            s3.put_object(Bucket=bucket, Key="k", Body=bodies[number])
        return s3.get_object(Bucket=bucket, Key="k")["Body"].read()

    assert all(body in bodies for body in _together(turn))
