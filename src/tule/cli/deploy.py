"""`tule deploy`: build, package, and deploy a template as a change set, showing each resource as it comes."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import click

from tule.cli import template as templates
from tule.cli.client import client
from tule.cli.package import Packager, digest
from tule.cli.progress import follow, last_event

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
INLINE_TEMPLATE_BYTES = 51_200  # AWS: CloudFormation quotas, template body in a request
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


@click.command()
@click.argument("place", type=click.Path(path_type=Path, exists=True), default=".")
@click.option("--stack-name", help="Default: the directory's name.")
@click.option("--parameter", "parameters", multiple=True, metavar="K=V", help="May be given more than once.")
@click.option("--watch", "watching", is_flag=True, help="Stay, and put each saved file live.")
def deploy(place: Path, stack_name: str | None, parameters: tuple[str, ...], watching: bool) -> None:
    """Deploy the template in PLACE (a directory or a file)."""
    path = templates.find(place).resolve()
    deployment = Deployment(path, stack_name or _stack_name(path.parent), dict(_pair(text) for text in parameters))
    for name, value in deployment.run().items():
        click.echo(f"  {click.style(name, bold=True)} = {value}")
    if watching:
        from tule.cli.watch import watch

        watch(deployment)


def deploy_template(path: Path, stack_name: str, parameters: dict[str, str]) -> dict[str, str]:
    """Build, package and deploy; the stack's outputs.  Raises ClickException with what went wrong."""
    return Deployment(path, stack_name, parameters).run()


class Deployment:
    """A template and the stack that it becomes.  `packager` knows what the last run was made of."""

    def __init__(self, path: Path, stack_name: str, parameters: dict[str, str]) -> None:
        self.path, self.stack_name, self.parameters = path, stack_name, parameters
        self.store = _ArtifactBucket()
        self.packager = Packager(self.store.upload, click.echo)

    def run(self) -> dict[str, str]:
        """The stack's outputs.  Raises ClickException with what went wrong."""
        from botocore.exceptions import ClientError

        packager = Packager(self.store.upload, click.echo)
        try:
            template = packager.package(self.path)
            self.packager = packager
            return _deploy(template, self.store, self.stack_name, self.parameters)
        except ClientError as error:
            raise click.ClickException(str(error)) from error


def _deploy(template: dict[str, Any], store: _ArtifactBucket, stack_name: str, parameters: dict[str, str]) -> dict[str, str]:
    service = client("cloudformation")
    before = last_event(service, stack_name)
    exists = _stack(service, stack_name)
    change_set = service.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"tule-{int(time.time() * 1000)}",
        ChangeSetType="UPDATE" if exists else "CREATE",
        Parameters=_parameters(template, parameters, exists),
        Capabilities=CAPABILITIES,
        **_template_argument(template, store),
    )
    made = _wait_for_change_set(service, change_set["Id"])
    if made is None:
        click.echo(f"{stack_name} is up to date.")
    else:
        service.execute_change_set(ChangeSetName=change_set["Id"])
        click.echo(f"Deploying {stack_name} ...")
        final = follow(service, change_set["StackId"], before)
        if final not in GOOD:
            raise click.ClickException(f"{stack_name} ended in {final}.")
    stack = service.describe_stacks(StackName=change_set["StackId"])["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _stack(service: Any, stack_name: str) -> dict[str, Any] | None:
    """The stack as it is; one that only has a change set under review counts as none."""
    from botocore.exceptions import ClientError

    try:
        stack = service.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    if stack["StackStatus"] == "ROLLBACK_COMPLETE":
        service.delete_stack(StackName=stack_name)
        follow(service, stack["StackId"], last_event(service, stack_name))
        return None
    return None if stack["StackStatus"] == "REVIEW_IN_PROGRESS" else stack


def _parameters(template: dict[str, Any], given: dict[str, str], exists: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What was given; for an existing stack what was not given stays as it is."""
    known = {parameter["ParameterKey"] for parameter in (exists or {}).get("Parameters", [])}
    result: list[dict[str, Any]] = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    for key in template.get("Parameters", {}):
        if key not in given and key in known:
            result.append({"ParameterKey": key, "UsePreviousValue": True})
    return result


def _template_argument(template: dict[str, Any], store: _ArtifactBucket) -> dict[str, str]:
    body = json.dumps(template)
    if len(body.encode()) <= INLINE_TEMPLATE_BYTES:
        return {"TemplateBody": body}
    bucket, key = store.upload(body.encode(), ".template")
    return {"TemplateURL": f"https://s3.amazonaws.com/{bucket}/{key}"}


def _wait_for_change_set(service: Any, change_set_id: str) -> dict[str, Any] | None:
    """The change set once it is ready; None when it changes nothing."""
    while True:
        described = service.describe_change_set(ChangeSetName=change_set_id)
        if described["Status"] == "CREATE_COMPLETE":
            return described
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            service.delete_change_set(ChangeSetName=change_set_id)
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise click.ClickException(reason)
        time.sleep(0.05)


class _ArtifactBucket:
    """Where packages go: one bucket an account and region, objects named by their content."""

    def __init__(self) -> None:
        self._s3 = client("s3")
        self._bucket = ""

    def upload(self, content: bytes, suffix: str) -> tuple[str, str]:
        from botocore.exceptions import ClientError

        bucket = self._bucket or self._made()
        key = f"{digest(content)}{suffix}"
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            self._s3.put_object(Bucket=bucket, Key=key, Body=content)
        return bucket, key

    def _made(self) -> str:
        region = self._s3.meta.region_name
        self._bucket = f"tule-artifacts-{client('sts').get_caller_identity()['Account']}-{region}"
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self._s3.create_bucket(Bucket=self._bucket, **location)
        except (self._s3.exceptions.BucketAlreadyOwnedByYou, self._s3.exceptions.BucketAlreadyExists):
            pass
        return self._bucket


def _stack_name(directory: Path) -> str:
    """The directory's name with what a stack's name may not have replaced: letters, digits and hyphens, a letter first."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", directory.name).strip("-")
    return words if words[:1].isalpha() else f"stack-{words}".rstrip("-")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not K=V")
    return key, value
