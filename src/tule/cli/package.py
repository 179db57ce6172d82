"""Packaging: local paths in a template become objects in a bucket, as `aws cloudformation package` does it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from tule.cli import template as templates
from tule.cli.build import IGNORED, build

Upload = Callable[[bytes, str], tuple[str, str]]  # content, suffix -> bucket, key
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(slots=True, frozen=True)
class Source:
    """Local code that a resource of a template names."""

    template: Path
    logical_id: str
    path: Path
    runtime: str
    resource: dict[str, Any] = field(hash=False)
    layer: bool = False
    alias: str = ""  # AutoPublishAlias

    @property
    def method(self) -> str:
        """How it is to be built; nothing for what the runtime suggests."""
        return "" if self.is_built else self._metadata.get("BuildMethod") or ""

    @property
    def is_built(self) -> bool:
        """The resource asks to take the code as it is."""
        return bool(self._metadata.get("SkipBuild"))

    @property
    def options(self) -> dict[str, Any]:
        return self._metadata.get("BuildProperties") or {}

    @property
    def _metadata(self) -> dict[str, Any]:
        return self.resource.get("Metadata") or {}


@dataclass(slots=True, frozen=True)
class Packager:
    """`upload` stores content under its hash and says where.  The lists are what was found on the way."""

    upload: Upload
    progress: Callable[[str], None]
    sources: list[Source] = field(default_factory=list[Source])
    templates: list[Path] = field(default_factory=list[Path])
    files: list[Path] = field(default_factory=list[Path])
    nested: dict[tuple[Path, str], Path] = field(default_factory=dict[tuple[Path, str], Path])  # by template and logical id
    _built: dict[tuple[str, ...], bytes] = field(default_factory=dict[tuple[str, ...], bytes])  # functions may share their code

    def package(self, path: Path) -> dict[str, Any]:
        """The template at `path`, in long form, with every local path uploaded and replaced."""
        template = templates.load(path)
        self.templates.append(path)
        for logical_id, resource in template["Resources"].items():
            if isinstance(resource, dict):
                self._resource(template, logical_id, resource, path)
        return template

    def _resource(self, template: dict[str, Any], logical_id: str, resource: dict[str, Any], path: Path) -> None:
        kind, base = resource.get("Type", ""), path.parent
        properties = resource.setdefault("Properties", {})
        if not isinstance(properties, dict):
            return
        runtime = (properties.get("CompatibleRuntimes") or [""])[0]
        match kind:
            case "AWS::Serverless::Function":
                self._serverless_function(template, logical_id, resource, path)
            case "AWS::Serverless::LayerVersion":
                self._code(properties, "ContentUri", Source(path, logical_id, base, runtime, resource, layer=True), as_uri=True)
            case "AWS::Lambda::Function":
                self._code(properties, "Code", Source(path, logical_id, base, properties.get("Runtime", ""), resource), as_uri=False)
            case "AWS::Lambda::LayerVersion":
                self._code(properties, "Content", Source(path, logical_id, base, runtime, resource, layer=True), as_uri=False)
            case "AWS::Serverless::Api" | "AWS::Serverless::HttpApi" | "AWS::Serverless::StateMachine":
                self._file(properties, "DefinitionUri", base)
            case "AWS::ApiGateway::RestApi":
                self._file(properties, "BodyS3Location", base)
            case "AWS::StepFunctions::StateMachine":
                self._file(properties, "DefinitionS3Location", base)
            case "AWS::CloudFormation::Stack":
                self._nested(properties, "TemplateURL", path, logical_id)
            case "AWS::Serverless::Application":
                self._nested(properties, "Location", path, logical_id)
            case _:
                return

    def _serverless_function(self, template: dict[str, Any], logical_id: str, resource: dict[str, Any], path: Path) -> None:
        properties = resource["Properties"]
        if "InlineCode" in properties or properties.get("PackageType") == "Image":
            return
        defaults = template.get("Globals", {}).get("Function", {})
        runtime = properties.get("Runtime", defaults.get("Runtime", ""))
        if "CodeUri" not in properties and "CodeUri" not in defaults:
            raise click.ClickException(f"{logical_id} has neither CodeUri nor InlineCode.")
        properties.setdefault("CodeUri", defaults.get("CodeUri"))
        alias = properties.get("AutoPublishAlias", defaults.get("AutoPublishAlias", ""))
        texts = [text if isinstance(text, str) else "" for text in (runtime, alias)]
        source = Source(path, logical_id, path.parent, texts[0], resource, alias=texts[1])
        self._code(properties, "CodeUri", source, as_uri=True)

    def _code(self, properties: dict[str, Any], name: str, source: Source, *, as_uri: bool) -> None:
        """`source.path` is the directory that the property's path starts from."""
        local = _local(properties.get(name), source.path)
        if local is None:
            return
        found = replace(source, path=local)
        self.sources.append(found)
        bucket, key = self.upload(self.content(found), ".zip")
        properties[name] = f"s3://{bucket}/{key}" if as_uri else {"S3Bucket": bucket, "S3Key": key}

    def content(self, source: Source, *, compressed: bool = True) -> bytes:
        """The package: built, unless the resource asks not to be, and zipped; once for all that share code, runtime and way of building."""
        local = source.path
        if local.is_file() and local.suffix in (".zip", ".jar"):
            return local.read_bytes()
        options = json.dumps(source.options, sort_keys=True, default=str)
        key = (str(local), source.runtime, source.method, str(source.layer), str(source.is_built), options)
        if key not in self._built:
            if local.is_file() or source.is_built or (source.layer and not source.method):
                self._built[key] = zipped(local, compressed=compressed)
            else:
                self.progress(f"Building {local.name} ...")
                cache = source.template.parent / ".aws-sam" / "tule"
                made = build(local, source.runtime, cache, method=source.method, layer=source.layer, options=source.options)
                self._built[key] = zipped(made, compressed=compressed)
        return self._built[key]

    def forget(self) -> None:
        """What was built may have changed."""
        self._built.clear()

    def _file(self, properties: dict[str, Any], name: str, base: Path) -> None:
        local = _local(properties.get(name), base)
        if local is not None:
            self.files.append(local)
            bucket, key = self.upload(local.read_bytes(), local.suffix)
            properties[name] = {"Bucket": bucket, "Key": key}

    def _nested(self, properties: dict[str, Any], name: str, path: Path, logical_id: str) -> None:
        local = _local(properties.get(name), path.parent)
        if local is not None:
            self.nested[path, logical_id] = local
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


def zipped(source: Path, *, compressed: bool = True) -> bytes:
    """A zip of a directory (or one file) whose bytes depend on nothing but its content."""
    buffer, method = io.BytesIO(), zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method, compresslevel=6) as archive:
        files = [source] if source.is_file() else sorted(_files(source))
        for path in files:
            entry = zipfile.ZipInfo(path.name if source.is_file() else path.relative_to(source).as_posix(), _EPOCH)
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            entry.compress_type = method
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
