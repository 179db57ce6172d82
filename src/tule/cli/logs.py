"""`tule logs FUNCTION`: a function's log lines, and with --follow those to come."""

from __future__ import annotations

import time
from typing import Any

import click

from tule.cli.client import client
from tule.core.clock import iso8601

WAIT_S = 0.2  # Logs tells of a new group only to those who ask


@click.command()
@click.argument("function")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--filter", "pattern", default="", help="A CloudWatch Logs filter pattern.")
def logs(function: str, follow: bool, pattern: str) -> None:
    """Show the log of FUNCTION, or of a log group when it begins with a slash."""
    from botocore.exceptions import ClientError

    service = client("logs")
    try:
        group = function if function.startswith("/") else _group_of(function)
        if follow:
            _wait_for(service, group)
        for page in service.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern):
            for event in page["events"]:
                _print(event)
        if follow:
            _follow(service, group, pattern)
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return


def _group_of(function: str) -> str:
    configuration = client("lambda").get_function_configuration(FunctionName=function)
    return configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{configuration['FunctionName']}")


def _wait_for(service: Any, group: str) -> None:
    """A function's group is there once it has run for the first time."""
    while not any(found["logGroupName"] == group for found in service.describe_log_groups(logGroupNamePrefix=group)["logGroups"]):
        time.sleep(WAIT_S)


def _follow(service: Any, group: str, pattern: str) -> None:
    found = service.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    arn = next(item["logGroupArn"] for item in found if item["logGroupName"] == group)
    arguments = {"logGroupIdentifiers": [arn]} | ({"logEventFilterPattern": pattern} if pattern else {})
    try:
        for event in service.start_live_tail(**arguments)["responseStream"]:
            for line in event.get("sessionUpdate", {}).get("sessionResults", []):
                _print(line)
    except KeyboardInterrupt:
        return


def _print(event: dict[str, Any]) -> None:
    click.echo(f"{iso8601(event['timestamp'])} {event['message'].rstrip()}")
