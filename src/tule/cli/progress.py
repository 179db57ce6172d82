"""A stack operation as it happens, a line for each event."""

from __future__ import annotations

import time
from typing import Any

import click

POLL_S = 0.1  # CloudFormation tells its progress only to those who ask
_COLOURS = {"COMPLETE": "green", "FAILED": "red", "IN_PROGRESS": "cyan"}


def follow(service: Any, stack_id: str, after_event: str = "") -> str:
    """Print the events of `stack_id` that come after `after_event` until it rests; its final status."""
    seen = _seen_up_to(service, stack_id, after_event)
    while True:
        status = service.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        for event in reversed(_events(service, stack_id, seen)):
            seen.add(event["EventId"])
            _print(event)
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(POLL_S)


def last_event(service: Any, stack_name: str) -> str:
    """The newest event of a stack, or an empty text when there is no such stack yet."""
    from botocore.exceptions import ClientError

    try:
        events = service.describe_stack_events(StackName=stack_name)["StackEvents"]
    except ClientError:
        return ""
    return events[0]["EventId"] if events else ""


def _seen_up_to(service: Any, stack_id: str, after_event: str) -> set[str]:
    if not after_event:
        return set()
    events = service.describe_stack_events(StackName=stack_id)["StackEvents"]
    ids = [event["EventId"] for event in events]
    return set(ids[ids.index(after_event) :]) if after_event in ids else set()


def _events(service: Any, stack_id: str, seen: set[str]) -> list[dict[str, Any]]:
    return [event for event in service.describe_stack_events(StackName=stack_id)["StackEvents"] if event["EventId"] not in seen]


def _print(event: dict[str, Any]) -> None:
    status = event["ResourceStatus"]
    colour = "red" if "ROLLBACK" in status else next((c for end, c in _COLOURS.items() if status.endswith(end)), None)
    reason = event.get("ResourceStatusReason", "")
    line = (
        f"  {event['Timestamp']:%H:%M:%S.%f}"[:-3]
        + f"  {click.style(f'{status:<28}', fg=colour)}  {event['LogicalResourceId']}  {event['ResourceType']}"
    )
    click.echo(line + (f"\n      {reason}" if reason and "FAILED" in status else ""))
