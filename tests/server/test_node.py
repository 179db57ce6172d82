"""A node as its users find it: drop-in addresses, its own API, strict mode, and what it does with nonsense."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tule.wire.models import SERVICES


def fetch(node: RunningNode, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=20)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("path", ["/_tule/health", "/_localstack/health"])
def test_health_is_told_under_both_names(node: RunningNode, path: str):
    health = node.get(path)
    assert health["services"]["s3"] == "available"
    assert health["clock"]["mode"] in ("real", "accelerated", "frozen")


def test_test_test_is_the_root_of_account_zero(node: RunningNode):
    sts = Account(node, "test").client("sts", aws_access_key_id="test", aws_secret_access_key="test")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"


def test_a_twelve_digit_key_names_the_account(aws: Account):
    assert aws.sts.get_caller_identity()["Account"] == aws.id


@pytest.mark.parametrize("host", ["s3.localhost.localstack.cloud", "s3.us-east-1.amazonaws.com", "s3.localhost", "localhost", "s3.amazonaws.com"])
def test_buckets_answer_on_every_known_host(aws: Account, host: str):
    bucket = f"b-{host.replace('.', '-')}-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    port = urlsplit(aws.node.url).port
    virtual = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id=aws.id,
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "virtual"}, proxies={"http": aws.node.url}),
    )
    assert virtual.get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    assert [o["Key"] for o in virtual.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_urls_in_answers_follow_the_host_of_the_request(aws: Account):
    aws.s3.create_bucket(Bucket=f"loc-{aws.id}")
    upload = aws.s3.create_multipart_upload(Bucket=f"loc-{aws.id}", Key="k")
    part = aws.s3.upload_part(Bucket=f"loc-{aws.id}", Key="k", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    done = aws.s3.complete_multipart_upload(
        Bucket=f"loc-{aws.id}", Key="k", UploadId=upload["UploadId"], MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    assert urlsplit(done["Location"]).netloc == urlsplit(aws.node.url).netloc


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_that_is_not_built_says_so_by_name(aws: Account, service: str):
    client = aws.client(service)
    model = client.meta.service_model
    built = json.loads(json.dumps(aws.node.get("/_tule/health")["services"]))
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        if service in built or (shape is not None and shape.required_members):
            continue
        with pytest.raises(ClientError) as caught:
            client._make_api_call(name, {})
        assert caught.value.response["Error"]["Code"] == "NotImplemented"
        assert name in caught.value.response["Error"]["Message"]
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        return


def test_an_unknown_service_is_refused_by_name(node: RunningNode):
    scope = "Credential=test/20260101/us-east-1/quantumledger/aws4_request, SignedHeaders=host, Signature=0"
    status, body = fetch(node, "POST", "/", {"authorization": f"AWS4-HMAC-SHA256 {scope}", "x-amz-target": "QuantumLedger.Do"}, b"{}")
    assert 400 <= status <= 501
    assert status != 500
    assert body


NONSENSE = [
    ("POST", "/", {"x-amz-target": "Logs_20140328.CreateLogGroup"}, b'{"logGroupName": '),
    ("POST", "/", {"x-amz-target": "Logs_20140328.CreateLogGroup"}, b"[" * 50_000),
    ("POST", "/", {"x-amz-target": "Logs_20140328.NoSuchThing"}, b"{}"),
    ("POST", "/", {"x-amz-target": "Logs_20140328.CreateLogGroup"}, b'{"logGroupName": 7}'),
    ("POST", "/", {"x-amz-target": "Logs_20140328.CreateLogGroup"}, json.dumps({"logGroupName": "x" * 5000}).encode()),
    ("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"Action=NoSuchAction&Version=2010-05-08"),
    ("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"Action=%ff%fe&Version=%00"),
    ("PUT", "/bucket-of-nonsense?tagging", {}, b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Tagging>&b;</Tagging>'),
    ("PUT", "/bucket-of-nonsense?tagging", {}, b"<Tagging><TagSet>"),
    ("GET", "/%", {}, b""),
    ("GET", "/a/%zz%00", {}, b""),
    ("GET", "/" + "x" * 30_000, {}, b""),
    ("POST", "/2015-03-31/functions", {"content-type": "application/json"}, b"\xff\xfe\x00"),
    ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", {"smithy-protocol": "rpc-v2-cbor"}, b"\xbf\xff\xff\x9f"),
    ("DELETE", "/", {}, b""),
    ("PATCH", "/bucket/key", {}, b""),
    ("GET", "/", {"authorization": "AWS4-HMAC-SHA256 nonsense"}, b""),
    ("GET", "/", {"authorization": "Bearer x" * 500}, b""),
    ("GET", "/?X-Amz-Signature=0&X-Amz-Credential=%2F%2F%2F", {}, b""),
]


@pytest.mark.parametrize("number", range(len(NONSENSE)))
def test_nonsense_is_the_clients_fault(node: RunningNode, number: int):
    status, _ = fetch(node, *NONSENSE[number])
    assert 400 <= status < 500 or status == 501


def test_the_clock_can_be_turned(turned: Account):
    before = turned.node.turn_clock({"do": "freeze"})["now_ms"]
    assert turned.node.turn_clock({"do": "advance", "by_ms": 3_600_000})["now_ms"] == before + 3_600_000
    assert turned.node.turn_clock({"do": "real"})["mode"] == "real"


@pytest.mark.parametrize("nonsense", [{"do": "backwards"}, {"do": "advance"}, {"do": "advance", "by_ms": -1}, {"do": "speed", "speed": "fast"}, []])
def test_a_turn_of_the_clock_that_makes_no_sense_is_refused(node: RunningNode, nonsense: object):
    status, _ = fetch(node, "POST", "/_tule/clock", {"content-type": "application/json"}, json.dumps(nonsense).encode())
    assert status == 400


def test_a_page_of_another_origin_may_not_use_the_nodes_own_api(node: RunningNode):
    status, _ = fetch(node, "POST", "/_tule/reset", {"origin": "https://evil.example", "content-type": "text/plain"}, b"{}")
    assert status == 403


def test_reset_forgets_everything(start_node: Callable[..., RunningNode]):
    node = start_node()
    account = node.fresh_account()
    account.s3.create_bucket(Bucket="kept")
    account.s3.put_object(Bucket="kept", Key="k", Body=b"x" * 100_000)
    account.iam.create_user(UserName="ann")
    key = account.iam.create_access_key(UserName="ann")["AccessKey"]
    account.logs.create_log_group(logGroupName="/g")
    node.post("/_tule/reset", {})
    assert account.s3.list_buckets()["Buckets"] == []
    assert account.iam.list_users()["Users"] == []
    assert account.logs.describe_log_groups()["logGroups"] == []
    account.s3.create_bucket(Bucket="kept")
    stranger = account.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="anything")
    assert ":user/ann" not in stranger.get_caller_identity()["Arn"]


def test_strict_mode_knows_its_keys_and_is_never_reset(start_node: Callable[..., RunningNode]):
    lax = start_node()
    account = lax.fresh_account()
    account.iam.create_user(UserName="ann")
    account.iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    key = account.iam.create_access_key(UserName="ann")["AccessKey"]
    assert lax.stop() == 0

    strict = start_node(strict=True)
    ann = Account(strict, account.id)
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert ann.client("sts", **keys).get_caller_identity()["Arn"].endswith("user/ann")
    assert ann.client("s3", **keys).list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        ann.client("s3", **keys).create_bucket(Bucket="not-allowed")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ann.client("sts", aws_access_key_id="test", aws_secret_access_key="test").get_caller_identity()
    assert fetch(strict, "POST", "/_tule/reset", body=b"{}")[0] == 403


def test_listening_beyond_loopback_needs_strict_mode_and_tls(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("tule")), "up", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "--strict" in done.stderr


def test_two_nodes_cannot_share_one_data_directory(tmp_path: Path):
    with RunningNode(tmp_path / "data"):
        second = RunningNode(tmp_path / "data")
        with pytest.raises(AssertionError, match="Another node works"):
            second.start()


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [str(Path(sys.executable).with_name("tule")), "up", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr
