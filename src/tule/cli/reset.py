"""`tule reset`: forget everything on the node."""

from __future__ import annotations

import click

from tule.cli.client import own_api


@click.command()
def reset() -> None:
    """Forget every account, resource and message.  Refused by a node in strict mode."""
    own_api("POST", "/_tule/reset", {})
    click.echo("The node is empty.")
