"""`tule runtimes`: which interpreters run which runtimes here; `tule runtimes install nodejs24.x` adds one."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

INSTALLABLE = ("python", "nodejs")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def runtimes(context: click.Context, as_json: bool) -> None:
    """Every runtime of Lambda's, and what runs it on this host; needs no running node."""
    if context.invoked_subcommand is not None:
        return
    from tule.compute.runtime_names import RuntimeName, runtime_names

    found = list(runtime_names())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
        return

    def line(each: RuntimeName) -> str:
        if not each.program:
            advice = f"tule runtimes install {each.name}" if each.name.startswith(INSTALLABLE) else "install it on this host"
            return f"{click.style('missing  ', fg='red')}  {advice}"
        if each.exact:
            return f"{click.style('ok       ', fg='green')}  {each.program}"
        advice = f"; tule runtimes install {each.name}" if each.name.startswith(INSTALLABLE) else ""
        return f"{click.style('stands in', fg='yellow')}  {each.version}: {each.program}{advice}"

    for each in found:
        click.echo(f"{each.name:16} {line(each)}")


@runtimes.command()
@click.argument("names", nargs=-1, required=True, metavar="RUNTIME...")
def install(names: tuple[str, ...]) -> None:
    """Add interpreters: nodejs24.x out of the npm registry, python3.14 through uv.  Running nodes find them at once."""
    from tule.compute.runtime_installation import CannotInstall
    from tule.compute.runtime_installation import install as bring

    for name in names:
        try:
            path = bring(name, _progress)
        except CannotInstall as error:
            _end_line()
            raise click.ClickException(str(error)) from error
        _end_line()
        click.echo(f"{name}: {path}")


def _progress(what: str, done: int, size: int) -> None:
    share = f"{done * 100 // size:3d} %" if size else f"{done >> 20} MB" if done else ""
    if sys.stderr.isatty():
        click.echo(f"\r{what}  {share} ", err=True, nl=False)
    elif not done or done == size:
        click.echo(f"{what}  {share}", err=True)


def _end_line() -> None:
    if sys.stderr.isatty():
        click.echo(err=True)
