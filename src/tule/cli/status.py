"""`tule status`: the node, its stacks, its functions."""

from __future__ import annotations

import click

from tule.cli.client import client, endpoint, own_api


@click.command()
def status() -> None:
    """What runs here."""
    from rich.console import Console
    from rich.table import Table

    health = own_api("GET", "/_tule/health")
    screen = Console()
    level = f"level {health['sandbox']['level']}" if health["sandbox"] else "not looked at yet"
    screen.print(f"{endpoint()}: Tule {health['version']} on {health['store']}, clock {health['clock']['mode']}, sandbox {level}")
    stacks = Table("stack", "status", "changed", title="Stacks", title_justify="left")
    for page in client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            changed = stack.get("LastUpdatedTime", stack["CreationTime"])
            stacks.add_row(stack["StackName"], stack["StackStatus"], f"{changed:%Y-%m-%d %H:%M:%S}")
    screen.print(stacks)
    functions = Table("function", "runtime", "memory", "time-out", "state", title="Functions", title_justify="left")
    for page in client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            functions.add_row(
                function["FunctionName"],
                function.get("Runtime", ""),
                f"{function['MemorySize']} MB",
                f"{function['Timeout']} s",
                function.get("State", "Active"),
            )
    screen.print(functions)
