"""`tule doctor`: what this host allows, which runtimes it has, which sandbox level functions get, and what to do about it."""

from __future__ import annotations

import json

import click

from tule.core import config as configuration


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Probe this host; needs no running node."""
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
