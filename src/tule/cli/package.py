"""Packaging: local paths in a template become objects in a bucket, as `aws cloudformation package` does it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tule.cli import template as templates
from tule.cli.build import IGNORED, build

Upload = Callable[[bytes, str], tuple[str, str]]  # content, suffix -> bucket, key
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(slots=True, frozen=True)
class Packager:
    """`upload` stores content under its hash and says where."""

    upload: Upload
    progress: Callable[[str], None]
    _built: dict[tuple[str, ...], bytes] = field(default_factory=dict[tuple[str, ...], bytes])  # functions may share their code

    def package(self, path: Path) -> dict[str, Any]:
        """The template at `path`, in long form, with every local path uploaded and replaced."""
        template = templates.load(path)
        cache = path.parent / ".aws-sam" / "tule"
        for logical_id, resource in template["Resources"].items():
            if isinstance(resource, dict):
                self._resource(template, logical_id, resource, path.parent, cache)
        return template

    def _resource(self, template: dict[str, Any], logical_id: str, resource: dict[str, Any], base: Path, cache: Path) -> None:
        kind = resource.get("Type", "")
        properties = resource.setdefault("Properties", {})
        if not isinstance(properties, dict):
            return
        match kind:
            case "AWS::Serverless::Function":
                self._serverless_function(template, logical_id, resource, base, cache)
            case "AWS::Serverless::LayerVersion":
                runtime = (properties.get("CompatibleRuntimes") or [""])[0]
                self._code(properties, "ContentUri", base, cache, runtime, resource, as_uri=True, layer=True)
            case "AWS::Lambda::Function":
                self._code(properties, "Code", base, cache, properties.get("Runtime", ""), resource, as_uri=False)
            case "AWS::Lambda::LayerVersion":
                self._code(properties, "Content", base, cache, (properties.get("CompatibleRuntimes") or [""])[0], resource, as_uri=False, layer=True)
            case "AWS::Serverless::Api" | "AWS::Serverless::HttpApi" | "AWS::Serverless::StateMachine":
                self._file(properties, "DefinitionUri", base)
            case "AWS::ApiGateway::RestApi":
                self._file(properties, "BodyS3Location", base)
            case "AWS::StepFunctions::StateMachine":
                self._file(properties, "DefinitionS3Location", base)
            case "AWS::CloudFormation::Stack":
                self._nested(properties, "TemplateURL", base)
            case "AWS::Serverless::Application":
                self._nested(properties, "Location", base)
            case _:
                return

    def _serverless_function(self, template: dict[str, Any], logical_id: str, resource: dict[str, Any], base: Path, cache: Path) -> None:
        properties = resource["Properties"]
        if "InlineCode" in properties or properties.get("PackageType") == "Image":
            return
        defaults = template.get("Globals", {}).get("Function", {})
        runtime = properties.get("Runtime", defaults.get("Runtime", ""))
        if "CodeUri" not in properties and "CodeUri" not in defaults:
            raise click.ClickException(f"{logical_id} has neither CodeUri nor InlineCode.")
        properties.setdefault("CodeUri", defaults.get("CodeUri"))
        self._code(properties, "CodeUri", base, cache, runtime if isinstance(runtime, str) else "", resource, as_uri=True)

    def _code(
        self,
        properties: dict[str, Any],
        name: str,
        base: Path,
        cache: Path,
        runtime: str,
        resource: dict[str, Any],
        *,
        as_uri: bool,
        layer: bool = False,
    ) -> None:
        local = _local(properties.get(name), base)
        if local is None:
            return
        content = local.read_bytes() if local.is_file() and local.suffix in (".zip", ".jar") else self._zip(local, cache, runtime, resource, layer)
        bucket, key = self.upload(content, ".zip")
        properties[name] = f"s3://{bucket}/{key}" if as_uri else {"S3Bucket": bucket, "S3Key": key}

    def _zip(self, local: Path, cache: Path, runtime: str, resource: dict[str, Any], layer: bool) -> bytes:
        """Built, unless the resource asks not to be, and zipped; once for all that share code, runtime and way of building."""
        metadata = resource.get("Metadata") or {}
        method = "" if metadata.get("SkipBuild") else metadata.get("BuildMethod") or ""
        options = metadata.get("BuildProperties") or {}
        key = (str(local), runtime, method, str(layer), str(bool(metadata.get("SkipBuild"))), json.dumps(options, sort_keys=True, default=str))
        if key not in self._built:
            if local.is_file() or metadata.get("SkipBuild") or (layer and not method):
                self._built[key] = zipped(local)
            else:
                self.progress(f"Building {local.name} ...")
                self._built[key] = zipped(build(local, runtime, cache, method=method, layer=layer, options=options))
        return self._built[key]

    def _file(self, properties: dict[str, Any], name: str, base: Path) -> None:
        local = _local(properties.get(name), base)
        if local is not None:
            bucket, key = self.upload(local.read_bytes(), local.suffix)
            properties[name] = {"Bucket": bucket, "Key": key}

    def _nested(self, properties: dict[str, Any], name: str, base: Path) -> None:
        local = _local(properties.get(name), base)
        if local is not None:
            bucket, key = self.upload(json.dumps(self.package(local)).encode(), ".template")
            properties[name] = f"https://s3.amazonaws.com/{bucket}/{key}"


def _local(value: Any, base: Path) -> Path | None:
    """The path that a property names, or None when it is remote already (s3://, https://, an object)."""
    if not isinstance(value, str) or value.startswith(("s3://", "http://", "https://")):
        return None
    path = (base / value).resolve()
    if not path.exists():
        raise click.ClickException(f"{value} does not exist in {base}.")
    return path


def zipped(source: Path) -> bytes:
    """A zip of a directory (or one file) whose bytes depend on nothing but its content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = [source] if source.is_file() else sorted(_files(source))
        for path in files:
            entry = zipfile.ZipInfo(path.name if source.is_file() else path.relative_to(source).as_posix(), _EPOCH)
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files(source: Path) -> Iterator[Path]:
    """What goes into a zip; links to directories are followed (npm makes such for local packages), but not in a circle.

    Builds carry node_modules; sources were copied without the rest, but a directory that needs no build is zipped as it is.
    """
    for directory, names, files in os.walk(source, followlinks=True):
        here = os.path.realpath(directory)
        skipped = IGNORED(directory, [*names, *files]) - {"node_modules"}
        names[:] = [name for name in names if name not in skipped and not _circular(here, os.path.join(directory, name))]
        yield from (path for name in files if name not in skipped and (path := Path(directory, name)).is_file())


def _circular(here: str, name: str) -> bool:
    return os.path.islink(name) and f"{here}/".startswith(os.path.realpath(name).rstrip("/") + "/")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
