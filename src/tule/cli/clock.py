"""`tule clock`: show or turn the node's clock."""

from __future__ import annotations

import re

import click

from tule.cli.client import own_api
from tule.core.clock import iso8601

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@click.group(invoke_without_command=True)
@click.pass_context
def clock(context: click.Context) -> None:
    """Schedules, waits, expiry, retries and time-outs follow this clock."""
    if context.invoked_subcommand is None:
        _show(own_api("GET", "/_tule/clock"))


@clock.command()
def show() -> None:
    """What the clock shows and how fast it runs."""
    _show(own_api("GET", "/_tule/clock"))


@clock.command()
def freeze() -> None:
    """Stop the clock."""
    _show(own_api("POST", "/_tule/clock", {"do": "freeze"}))


@clock.command()
@click.argument("duration")
def advance(duration: str) -> None:
    """Move forward by 90s, 15m, 1h30m, 2d ...; returns when all that became due has run."""
    _show(own_api("POST", "/_tule/clock", {"do": "advance", "by_ms": milliseconds(duration)}))


@clock.command()
@click.argument("factor", type=float)
def speed(factor: float) -> None:
    """Run FACTOR times as fast as the wall clock."""
    _show(own_api("POST", "/_tule/clock", {"do": "speed", "speed": factor}))


@clock.command()
def real() -> None:
    """Follow the wall clock again."""
    _show(own_api("POST", "/_tule/clock", {"do": "real"}))


def milliseconds(duration: str) -> int:
    """`1h30m` in milliseconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdw])", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise click.BadParameter(f"{duration!r} is not a duration such as 90s, 15m or 1h30m")
    return int(sum(float(number) * _UNITS_MS[unit] for number, unit in parts))


def _show(answer: dict[str, object]) -> None:
    speed_text = f", {answer['speed']:g} times the wall clock's speed" if answer["mode"] == "accelerated" else ""
    click.echo(f"{iso8601(int(str(answer['now_ms'])))} ({answer['mode']}{speed_text})")
