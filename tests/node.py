"""A node in a process of its own, and accounts on it."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

_accounts = itertools.count(random.SystemRandom().randrange(10**11, 9 * 10**11))
READY_TIMEOUT_S = 30.0


@lru_cache(maxsize=1)
def _session() -> boto3.Session:
    """One session, so that botocore reads each model once."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


class Account:
    """A fresh account on a node: `account.s3` is boto3's client for S3 as the account's root."""

    def __init__(self, node: RunningNode, account_id: str) -> None:
        self.node = node
        self.id = account_id
        self.region = "us-east-1"
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        if service.startswith("__"):
            raise AttributeError(service)
        name = {"lambda_": "lambda"}.get(service, service.replace("_", "-"))
        if name not in self._clients:
            self._clients[name] = self.client(name)
        return self._clients[name]

    def client(self, service: str, **overrides: Any) -> Any:
        """A client of its own, with other credentials, region or configuration."""
        arguments = {
            "endpoint_url": self.node.url,
            "aws_access_key_id": self.id,
            "aws_secret_access_key": "test",
            "region_name": self.region,
            "config": Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=60, inject_host_prefix=False),
        }
        return _session().client(service, **(arguments | overrides))

    def environment(self) -> dict[str, str]:
        """What a command-line tool needs to work in this account."""
        return os.environ | {
            "AWS_ENDPOINT_URL": self.node.url,
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_PAGER": "",
        }


class RunningNode:
    """`tule up` on a free port.  `kill` is kill -9; `stop` is SIGTERM; starting again uses the same data."""

    def __init__(self, data: Path, *, store: str = "", env: dict[str, str] | None = None, **flags: object) -> None:
        self.data = data
        self.url = ""
        self.output: deque[str] = deque(maxlen=500)
        self._store = store
        self._flags = flags
        self._env = env or {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("tule")), "up", "--port", "0", "--data", str(self.data)]
        if self._store:
            command += ["--store", self._store]
        for name, value in self._flags.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [flag, str(value)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | self._env)
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        if not ready.wait(READY_TIMEOUT_S) or not self.url:
            self.kill()
            raise AssertionError("the node did not become ready:\n" + "".join(self.output))

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.output.append(line)
                if line.rstrip().endswith("Ready."):
                    self.url = next(word for word in line.split() if word.startswith("http"))
                    ready.set()
        ready.set()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def __enter__(self) -> RunningNode:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self.stop()

    def fresh_account(self) -> Account:
        return Account(self, f"{next(_accounts):012d}")

    def post(self, path: str, body: object) -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def turn_clock(self, how: dict[str, object]) -> Any:
        return self.post("/_tule/clock", how)

    def advance(self, seconds: float) -> None:
        """Move the clock; returns when all that became due has run."""
        self.turn_clock({"do": "advance", "by_ms": int(seconds * 1000)})
