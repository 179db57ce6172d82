"""`tule invoke FUNCTION`: one invocation, its log and its answer."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from tule.cli.client import client


@click.command()
@click.argument("function")
@click.option("--payload", default=None, help="JSON; @FILE reads a file, - standard input.  Default {}.")
@click.option("--event", "asynchronous", is_flag=True, help="Asynchronously: only queue it.")
def invoke(function: str, payload: str | None, asynchronous: bool) -> None:
    """Invoke FUNCTION (a name or an ARN), show its log, print its answer.  Exit status 1 when the function failed."""
    from botocore.exceptions import ClientError

    arguments = {"FunctionName": function, "Payload": _payload(payload)}
    arguments |= {"InvocationType": "Event"} if asynchronous else {"LogType": "Tail"}
    try:
        answer = client("lambda").invoke(**arguments)
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    if asynchronous:
        click.echo("Queued.")
        return
    click.echo(base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace"), err=True, nl=False)
    click.echo(answer["Payload"].read().decode())
    if "FunctionError" in answer:
        sys.exit(1)


def _payload(text: str | None) -> bytes:
    if text is None:
        return b"{}"
    if text == "-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
