"""`make run`: start a node, deploy the thumbnail application, make one thumbnail, say how long each step took, stay up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

T = TypeVar("T")
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "thumbnails"
STACK = "thumbnails"
PATIENCE_S = 60.0


@click.command()
@click.option("--port", default=4566, show_default=True)
@click.option("--once", is_flag=True, help="Leave after the thumbnail instead of staying up.")
def tour(port: int, once: bool) -> None:
    """Start Tule and show one application running on it."""
    node = timed("started", lambda: _start(port))
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    try:
        outputs = timed("deployed examples/thumbnails", _deploy)
        where, took = timed("made a thumbnail", lambda: _thumbnail(outputs))
        click.echo(f"\nThe thumbnail is at s3://{where} ({took}).")
        click.echo(
            f"  export AWS_ENDPOINT_URL=http://127.0.0.1:{port} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1"
        )
        click.echo(f"  aws s3 cp s3://{where} thumbnail.jpg;  .venv/bin/tule logs {outputs['Function']};  .venv/bin/tule status")
        if not once:
            click.echo("\nTule stays up until Ctrl-C.")
            node.wait()
    except KeyboardInterrupt:
        click.echo("\nStopping ...")
    finally:
        if node.poll() is None:
            node.send_signal(signal.SIGTERM)
            node.wait(30)


def timed(what: str, step: Callable[[], T]) -> T:
    began = time.perf_counter()
    result = step()
    click.echo(f"{click.style('*', fg='green')} {what} in {time.perf_counter() - began:.2f} s")
    return result


def _start(port: int) -> subprocess.Popen[str]:
    """The node in a process of its own (and out of reach of our Ctrl-C), once it says that it is ready."""
    node = subprocess.Popen(
        [sys.executable, "-m", "tule.cli.main", "up", "--port", str(port)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert node.stdout is not None
    for line in node.stdout:
        click.echo(line, nl=False)
        if line.rstrip().endswith("Ready."):
            threading.Thread(target=_drain, args=(node,), daemon=True).start()
            return node
    raise click.ClickException(f"the node did not start (exit status {node.wait()}); is port {port} taken?")


def _drain(node: subprocess.Popen[str]) -> None:
    assert node.stdout is not None
    for line in node.stdout:
        click.echo(line, nl=False)


def _deploy() -> dict[str, str]:
    from tule.cli.deploy import deploy_template

    return deploy_template(EXAMPLE / "template.yaml", STACK, {})


def _thumbnail(outputs: dict[str, str]) -> tuple[str, str]:
    """Upload the picture and wait for its thumbnail; where it is, and how long it took from the upload on."""
    from tule.cli.client import client

    s3 = client("s3")
    key = f"picture-{int(time.time())}.jpg"
    began = time.perf_counter()
    s3.put_object(Bucket=outputs["PicturesBucket"], Key=key, Body=(EXAMPLE / "picture.jpg").read_bytes(), ContentType="image/jpeg")
    while not _exists(s3, outputs["ThumbnailsBucket"], key):
        if time.perf_counter() - began > PATIENCE_S:
            raise click.ClickException(f"no thumbnail after {PATIENCE_S:.0f} s; see: tule logs {outputs['Function']}")
        time.sleep(0.01)
    return f"{outputs['ThumbnailsBucket']}/{key}", f"{(time.perf_counter() - began) * 1000:.0f} ms after the upload began"


def _exists(s3: Any, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


if __name__ == "__main__":
    tour()
