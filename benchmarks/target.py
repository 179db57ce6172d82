"""A server with what the measurements need on it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.client import signed
from benchmarks.servers import Server

HANDLER = b"def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"
POLICY = {"Statement": [{"Effect": "Allow", "Action": ["logs:*", "sqs:*", "kinesis:*", "s3:*"], "Resource": "*"}]}
ADMINISTRATOR = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
VERSION = {"Version": "2012-10-17"}
MEGABYTE = 1 << 20


class Target:
    """A server with what the measurements need on it."""

    def __init__(self, server: Server, seconds: float) -> None:
        self.server = server
        self.url = server.url
        self.seconds = seconds
        self._functions = 0
        self._keys = ("test", "test")

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 0}, read_timeout=120, s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": self._keys[0], "aws_secret_access_key": self._keys[1]}
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", config=config, **keys)

    def prepare(self) -> None:
        """A user, whose signature must be verified and whose policy asked for each request, and what the measurements work on."""
        iam = self.client("iam")
        iam.create_user(UserName="bench")
        iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=json.dumps(VERSION | ADMINISTRATOR))
        key = iam.create_access_key(UserName="bench")["AccessKey"]
        self._keys = key["AccessKeyId"], key["SecretAccessKey"]
        self.client("s3").create_bucket(Bucket="bench-bucket")
        self.client("s3").put_object(Bucket="bench-bucket", Key="k1", Body=b"x" * 1024)
        self.client("s3").put_object(Bucket="bench-bucket", Key="m10", Body=b"x" * 10 * MEGABYTE)
        self.role = self.client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(VERSION | TRUST))
        self.client("iam").put_role_policy(RoleName="bench", PolicyName="bench", PolicyDocument=json.dumps(VERSION | POLICY))
        self.role_arn = self.role["Role"]["Arn"]

    def function(self, source: bytes = HANDLER) -> str:
        self._functions += 1
        name = f"bench-{self._functions}"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("index.py", source + b"# %d\n" % self._functions)
        code = {"ZipFile": archive.getvalue()}
        service = self.client("lambda")
        service.create_function(FunctionName=name, Runtime="python3.11", Role=self.role_arn, Handler="index.handler", Code=code, Timeout=60)
        service.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def signed(self, service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        return signed(self.url, self._keys, service, method, path, headers, body)

    def s3(self, method: str, key: str, body: bytes = b"") -> bytes:
        return self.signed("s3", method, f"/bench-bucket/{key}", {}, body)

    def invocation(self, name: str) -> bytes:
        return self.signed("lambda", "POST", f"/2015-03-31/functions/{name}/invocations", {"content-type": "application/json"}, b"{}")
