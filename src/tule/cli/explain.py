"""`tule explain`: say why a call is allowed or denied."""

from __future__ import annotations

import click

from tule.cli.client import own_api


@click.command()
@click.argument("principal")
@click.argument("action")
@click.argument("resource", default="*")
@click.option("--context", "pairs", multiple=True, metavar="KEY=VALUE", help="A condition key's value; may be given more than once.")
def explain(principal: str, action: str, resource: str, pairs: tuple[str, ...]) -> None:
    """May PRINCIPAL (the ARN of a user or role) do ACTION (s3:GetObject) on RESOURCE, and which statement says so?"""
    context = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    answer = own_api("POST", "/_tule/explain", {"principal": principal, "action": action, "resource": resource, "context": context})
    click.secho("allowed" if answer["allowed"] else "denied", fg="green" if answer["allowed"] else "red", bold=True)
    for line in answer["reasons"]:
        click.echo(f"  {line}")
