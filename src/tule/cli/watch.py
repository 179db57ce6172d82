"""`tule deploy --watch`: a saved file is live at once.

The code of functions goes straight to the functions, past the stack; a change of a template, of a layer, or of a file that
the template names deploys the stack again.  The file system says what changed; nothing is polled.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from watchfiles import Change, DefaultFilter
from watchfiles._rust_notify import RustNotify

from tule.cli.client import client
from tule.cli.deploy import Deployment
from tule.cli.package import Source

INLINE_BYTES = 50 * 1024 * 1024  # AWS: Lambda quotas, a package in a request
GATHER_MS = 200  # editors write a file in several steps
STEP_MS = 20


class _Relevant(DefaultFilter):
    """Neither what tools leave behind, nor what a deployment or a node itself writes."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".aws-sam", ".tule")


def watch(deployment: Deployment) -> None:
    """Until it is interrupted, which is how it ends well, whatever it is about."""
    with contextlib.suppress(KeyboardInterrupt):
        live: _Live | None = _Live(deployment)
        while live is not None:
            live = _watch(deployment, live)


def _watch(deployment: Deployment, live: _Live) -> _Live | None:
    """What is live when other directories are to be watched; None in the end.  What is saved meanwhile is not missed."""
    for changed in _changed(live):
        if not live.belongs_to_stack(changed):
            live.update(changed)
            continue
        _told(lambda: _redeploy(deployment))
        before, live = live.roots, _Live(deployment)
        if live.roots != before:
            return live
        live.introduce()
    return None


def _changed(live: _Live) -> Iterator[set[Path]]:
    """Said to be watched once it is: `watchfiles.watch` does not tell when it begins to look.

    watchfiles: https://watchfiles.helpmanual.io/api/rust_backend/
    """
    relevant = _Relevant()
    with RustNotify([str(path) for path in live.roots], False, False, 0, True, False) as files:
        live.introduce()
        while isinstance(found := files.watch(GATHER_MS, STEP_MS, 0, None), set):
            changed = {Path(path) for kind, path in found if relevant(Change(kind), path)}
            if changed:
                yield changed


def _redeploy(deployment: Deployment) -> None:
    for name, value in deployment.run().items():
        click.echo(f"  {click.style(name, bold=True)} = {value}")


def _told(work: Any) -> None:
    """What goes wrong is said, and the watch goes on."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        work()
    except click.ClickException as error:
        error.show()
    except (ClientError, BotoCoreError, OSError) as error:
        click.echo(click.style(f"Error: {error}", fg="red"), err=True)


class _Live:
    """What is deployed, and from which files."""

    def __init__(self, deployment: Deployment) -> None:
        packager = deployment.packager
        self._deployment = deployment
        self._functions = [source for source in packager.sources if not source.layer]
        self._stack_files = {*packager.templates, *packager.files}
        self._layers = [source.path for source in packager.sources if source.layer]
        self._lambda = client("lambda")
        self._names = _Names(deployment)
        self.roots = _outermost([*(path.parent for path in self._stack_files), *(source.path for source in packager.sources)])

    def introduce(self) -> None:
        click.echo(f"Watching {', '.join(map(str, self.roots))} ...")

    def belongs_to_stack(self, changed: set[Path]) -> bool:
        return any(path in self._stack_files or any(_holds(layer, path) for layer in self._layers) for path in changed)

    def update(self, changed: set[Path]) -> None:
        self._deployment.packager.forget()
        for source in self._functions:
            if any(_holds(source.path, path) for path in changed):
                began = time.perf_counter()
                _told(lambda source=source, began=began: self._put(source, began))

    def _put(self, source: Source, began: float) -> None:
        name = self._names.of(source)
        if name is None:
            return
        content = self._deployment.packager.content(source, compressed=False)
        made = self._lambda.update_function_code(FunctionName=name, Publish=bool(source.alias), **self._code(content))
        if source.alias:  # events reach the function by it
            self._lambda.update_alias(FunctionName=name, Name=source.alias, FunctionVersion=made["Version"])
        click.echo(f"  {click.style(source.logical_id, bold=True)} is live after {time.perf_counter() - began:.2f} s")

    def _code(self, content: bytes) -> dict[str, Any]:
        if len(content) <= INLINE_BYTES:
            return {"ZipFile": content}
        bucket, key = self._deployment.store.upload(content, ".zip")
        return {"S3Bucket": bucket, "S3Key": key}


class _Names:
    """The names of deployed functions, also of those in nested stacks."""

    def __init__(self, deployment: Deployment) -> None:
        self._service = client("cloudformation")
        self._nested = deployment.packager.nested
        self._found: dict[tuple[Path, str], str] = {}
        self._look(deployment.stack_name, deployment.path)

    def of(self, source: Source) -> str | None:
        """None for what a condition of the template leaves out."""
        return self._found.get((source.template, source.logical_id))

    def _look(self, stack: str, template: Path) -> None:
        for page in self._service.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                place = template, resource["LogicalResourceId"]
                if resource["ResourceType"] == "AWS::Lambda::Function":
                    self._found[place] = resource["PhysicalResourceId"]
                elif place in self._nested:
                    self._look(resource["PhysicalResourceId"], self._nested[place])


def _holds(source: Path, path: Path) -> bool:
    return path == source or path.is_relative_to(source)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that others hold."""
    wanted = sorted(set(paths), key=lambda path: len(path.parts))
    kept: list[Path] = []
    for path in wanted:
        if not any(path.is_relative_to(known) for known in kept):
            kept.append(path)
    return kept
