"""Each time that falls due has one run, whatever becomes of the node."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.node import Account, RunningNode
from tests.services.scheduler.given import OFF, role

HOUR_MS = 3_600_000


def groups(account: Account) -> set[str]:
    return {group["logGroupName"] for page in account.logs.get_paginator("describe_log_groups").paginate() for group in page["logGroups"]}


def test_runs_that_fell_due_while_the_node_was_killed_are_made_up_for(start_node: Callable[..., RunningNode]) -> None:
    """The first life's clock is ten hours slow; the second's is right."""
    node = start_node()
    node.turn_clock({"do": "freeze", "at_ms": int(time.time() * 1000) - 10 * HOUR_MS})
    account = node.fresh_account()
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup",
        "Input": '{"LogGroupName": "<aws.scheduler.execution-id>"}',
        "RoleArn": role(account),
    }
    account.scheduler.create_schedule(Name="s", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF, Target=target)
    node.advance(3 * 3600)
    assert len(groups(account)) == 4
    node.kill()
    again = start_node()
    again.advance(1)
    assert len(groups(Account(again, account.id))) == 11
