"""`tule backup FILE`: the running node's data in one file."""

from __future__ import annotations

from pathlib import Path

import click

from tule.cli.client import own_api


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write a consistent backup of the running node, which goes on serving."""
    if file.exists():
        raise click.ClickException(f"{file} exists already.")
    answer = own_api("POST", "/_tule/backup", {"path": str(file.resolve())})
    click.echo(f"{file}: {answer['bytes']:,} bytes")
