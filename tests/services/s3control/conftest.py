from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from tests.node import Account


@pytest.fixture(autouse=True)
def localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 Control and access points are hosts below `localhost`, which not every resolver knows."""
    resolve = socket.getaddrinfo

    def here(host: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.fixture
def control(aws: Account) -> Any:
    return aws.client("s3control", endpoint_url=f"http://localhost:{urlsplit(aws.node.url).port}", config=Config(retries={"max_attempts": 1}))
