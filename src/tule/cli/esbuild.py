"""BuildMethod esbuild: bundles by the esbuild that the project itself brings.

AWS: SAM developer guide, building Node.js functions with esbuild.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

_DEFAULTS = {"Format": "cjs", "Target": "es2020"}
_OWN = ("EntryPoints", "Bundle")


def bundled(source: Path, target: Path, options: Mapping[str, Any]) -> Path:
    """`target`, filled with a bundle of each entry point of `options` (BuildProperties)."""
    entries = options.get("EntryPoints") or _only_entry(source)
    command = [str(_program(source)), *entries, "--bundle", "--platform=node", f"--outdir={target}", *_flags({**_DEFAULTS, **options})]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"esbuild failed in {source}:\n{done.stderr or done.stdout}")
    return target


def _program(source: Path) -> Path:
    for directory in (source, *source.parents):
        found = directory / "node_modules" / ".bin" / "esbuild"
        if found.exists():
            return found
    raise click.ClickException(f"{source}: BuildMethod esbuild needs esbuild in the project: npm install --save-dev esbuild")


def _only_entry(source: Path) -> list[str]:
    for name in ("app.ts", "app.js", "index.ts", "index.js"):
        if (source / name).is_file():
            return [name]
    raise click.ClickException(f"{source}: BuildProperties has no EntryPoints.")


def _flags(options: Mapping[str, Any]) -> list[str]:
    """`SourcesContent: false` is `--sources-content=false`; a list is said once for each, a mapping once for each pair."""
    flags: list[str] = []
    for name, value in options.items():
        flag = "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
        if name in _OWN or value is None:
            continue
        if isinstance(value, bool):
            flags += [flag] if value else [f"{flag}=false"]
        elif isinstance(value, list):
            joined = name in ("MainFields", "ResolveExtensions")
            flags += [f"{flag}={','.join(value)}"] if joined else [f"{flag}:{each}" for each in value]
        elif isinstance(value, dict):
            flags += [f"{flag}:{key}={each}" for key, each in value.items()]
        else:
            flags.append(f"{flag}={value}")
    return flags
