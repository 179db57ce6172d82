"""`tule doctor`: what this host allows, which runtimes it has, which sandbox level functions get, and what to do about it.

`tule doctor --scrub`: whether the data at rest is what was written.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from tule.core import config as configuration

if TYPE_CHECKING:
    from tule.services.s3.scrub import Finding, Scrub


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--scrub", is_flag=True, help="Read all data and compare it with its checksums instead; a node may be running.  Changes nothing.")
@click.option("--data", help="The data directory to scrub.")
@click.option("--store", help="postgresql://... when that holds the data.")
@click.option("--blobs", help="Where blobs are, when not in the data directory.")
def doctor(as_json: bool, scrub: bool, data: str | None, store: str | None, blobs: str | None) -> None:
    """Probe this host; needs no running node."""
    if scrub:
        _report_scrub(configuration.load({"data": data, "store": store, "blobs": blobs}), as_json)
        return
    from tule.compute.diagnosis import diagnose

    findings = diagnose(configuration.load())
    if as_json:
        click.echo(json.dumps([{"topic": f.topic, "state": f.state, "good": f.good, "advice": f.advice} for f in findings], indent=2))
        return
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.good else click.style("note", fg="yellow")
        click.echo(f"{mark}  {finding.topic}: {finding.state}")
        if finding.advice:
            click.echo(f"      {finding.advice}")


def _report_scrub(config: configuration.Config, as_json: bool) -> None:
    """Exits with 1 when something is damaged."""
    from tule.store.errors import StoreError

    try:
        scrub, findings = asyncio.run(_scrubbed(config))
    except (StoreError, configuration.ConfigError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        found = [{"problem": each.problem, "where": each.where} for each in findings]
        click.echo(json.dumps({"blobs": scrub.blobs, "unverified": scrub.unverified, "versions": scrub.versions, "damaged": found}, indent=2))
    else:
        for each in findings:
            click.echo(f"{click.style('bad ', fg='red')}  {each.where}: {each.problem}")
        click.echo(f"{scrub.blobs:,} blobs and {scrub.versions:,} versions of objects read: {len(findings):,} damaged.")
        if scrub.unverified:
            click.echo(f"{scrub.unverified:,} blobs are older than checksums are; of these only lengths were compared.")
        if findings:
            click.echo("Nothing was changed. Restore what is damaged from a backup, or write it again.")
    if findings:
        raise SystemExit(1)


async def _scrubbed(config: configuration.Config) -> tuple[Scrub, list[Finding]]:
    from tule.blobs.open import open_blobs
    from tule.core.clock import TurnableClock
    from tule.core.ids import Ids
    from tule.services.s3.scrub import Scrub
    from tule.store.open import open_beside

    clock, ids = TurnableClock(), Ids()
    store = await open_beside(config, clock, ids)
    try:
        blobs = await open_blobs(config, store, clock, ids)
        try:
            scrub = Scrub(store, blobs)
            return scrub, [finding async for finding in scrub.findings()]
        finally:
            await blobs.close()
    finally:
        await store.close()
