"""`tule`: the command line.  Each command has a file of its own, loaded when it is typed, so that `tule up` starts at once."""

from __future__ import annotations

import importlib

import click

import tule

_COMMANDS = {
    "up": "Start a node.",
    "deploy": "Build, package and deploy a SAM or CloudFormation template.",
    "delete": "Delete a stack and all that it made.",
    "status": "What runs here: the node, stacks, functions.",
    "logs": "Show a function's log.",
    "invoke": "Invoke a function.",
    "clock": "Show or turn the node's clock.",
    "reset": "Forget everything on the node.",
    "backup": "Write the running node's data into one file.",
    "restore": "Fill an empty data directory from a backup.",
    "explain": "Say why a call is allowed or denied.",
    "doctor": "What this host allows, and what to do about it.",
    "runtimes": "Which interpreters run which runtimes here; install others.",
}


class LazyCommands(click.Group):
    """Commands by name; `up` lives in `tule.cli.up` as a function `up`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return getattr(importlib.import_module(f"tule.cli.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=LazyCommands)
@click.version_option(tule.__version__, prog_name="tule")
def main() -> None:
    """Tule: a serverless cloud on your own ground."""


if __name__ == "__main__":
    main()
