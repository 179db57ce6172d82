"""boto3 clients for the commands: the node's address and keys from the usual AWS_* variables, else a laptop's defaults."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from tule.core import config as configuration


def endpoint() -> str:
    explicit = os.environ.get("TULE_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL")
    if explicit:
        return explicit.rstrip("/")
    config = configuration.load()
    return f"http://{config.host}:{config.port}"


def client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=endpoint(),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        aws_session_token=os.environ.get("AWS_SESSION_TOKEN"),
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        config=Config(retries={"max_attempts": 2}, read_timeout=910, s3={"addressing_style": "path"}, inject_host_prefix=False),
    )


def own_api(method: str, path: str, body: object | None = None) -> Any:
    """Call the node's own API; what goes wrong is a sentence on the terminal."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(endpoint() + path, data, {"content-type": "application/json"}, method=method)
    token = _admin_token()
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise click.ClickException(_message(error)) from error
    except OSError as error:
        raise click.ClickException(f"No node answers at {endpoint()} ({error}). Start one with: tule up") from error


def _message(error: urllib.error.HTTPError) -> str:
    text = error.read().decode("utf-8", "replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text or str(error)


def _admin_token() -> str:
    path = Path(os.environ.get("TULE_ADMIN_TOKEN_FILE", configuration.load().data_path / "admin.token"))
    try:
        return path.read_text().strip()
    except OSError:
        return ""
