"""`tule delete STACK`: delete a stack and all that it made."""

from __future__ import annotations

import click

from tule.cli.client import client
from tule.cli.progress import follow


@click.command()
@click.argument("stack")
@click.option("--empty-buckets", is_flag=True, help="Delete the objects in the stack's buckets first; a bucket that holds any is not deleted.")
def delete(stack: str, empty_buckets: bool) -> None:
    """Delete STACK, showing each resource as it goes."""
    from botocore.exceptions import ClientError

    service = client("cloudformation")
    try:
        stack_id = service.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        if empty_buckets:
            _empty_buckets(stack_id)
        service.delete_stack(StackName=stack_id)
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    final = follow(service, stack_id)
    if final != "DELETE_COMPLETE":
        raise click.ClickException(f"{stack} ended in {final}.")
    click.echo(f"{stack} is gone.")


def _empty_buckets(stack_id: str) -> None:
    resources = client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
    s3 = client("s3")
    for resource in resources:
        if resource["ResourceType"] == "AWS::S3::Bucket" and resource.get("PhysicalResourceId"):
            bucket = resource["PhysicalResourceId"]
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for kind in ("Versions", "DeleteMarkers") for item in page.get(kind, [])]
                if keys:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


__all__ = ["delete"]
