"""`tule restore FILE`: fill an empty installation from a backup."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from tule.core import config as configuration


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", help="The data directory to fill; it must be empty.")
@click.option("--store", help="postgresql://... when that holds the data; the database must be empty.")
def restore(file: Path, data: str | None, store: str | None) -> None:
    """Fill an empty data directory (or database) from a backup.  The node must not be running."""
    from tule.store.errors import StoreError

    try:
        asyncio.run(_restore(file, configuration.load({"data": data, "store": store})))
    except (StoreError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("Restored. Start the node with: tule up")


async def _restore(file: Path, config: configuration.Config) -> None:
    from tule.blobs.open import open_blobs
    from tule.core.clock import TurnableClock
    from tule.core.ids import Ids
    from tule.store import backup
    from tule.store.open import open_store

    config.data_path.mkdir(parents=True, exist_ok=True)
    clock, ids = TurnableClock(), Ids()
    store = await open_store(config, clock, ids)
    telemetry = await open_store(config, clock, ids, telemetry=True)
    blobs = await open_blobs(config, store, clock, ids)
    try:
        await backup.restore(store, blobs, file, telemetry=telemetry)
    finally:
        await blobs.close()
        await telemetry.close()
        await store.close()
