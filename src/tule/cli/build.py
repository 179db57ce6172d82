"""What `sam build` would do for Python (pip) and Node.js (npm): a directory with the code and all that it needs.

A build is kept under `.aws-sam/tule/` beside the template, keyed by the manifest's content, so that dependencies are
installed once and not at each deploy.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tule.cli import esbuild

IGNORED = shutil.ignore_patterns(".git", ".aws-sam", "__pycache__", "*.pyc", ".venv", "node_modules", ".pytest_cache", ".DS_Store")
_LOCAL_REQUIREMENT = re.compile(r"^\s*(-[rce]\b|--(requirement|constraint|editable)|[./])|file:|\.(whl|tar\.gz|zip)\s*$", re.MULTILINE)


def build(source: Path, runtime: str, cache: Path, *, method: str = "", layer: bool = False, options: Mapping[str, Any] | None = None) -> Path:
    """The directory to zip for the code in `source`; `source` itself when nothing is to be built.

    `method` and `options` are BuildMethod and BuildProperties of the resource's Metadata.
    """
    if method == "esbuild":
        return esbuild.bundled(source, _empty(_place(source, cache)), options or {})
    if method and not method.startswith(("python", "nodejs")):
        raise click.ClickException(f"{source}: BuildMethod {method} is not implemented by Tule yet; build it with sam build and deploy that.")
    family = method or runtime
    if family.startswith("python"):
        return _python(source, method if method.startswith("python3") else runtime, cache, "python" if layer else "")
    if family.startswith("nodejs"):
        return _nodejs(source, cache, "nodejs" if layer else "")
    return source


def _python(source: Path, runtime: str, cache: Path, inner: str) -> Path:
    requirements = source / "requirements.txt"
    if not requirements.is_file():
        return _assembled(source, None, cache, inner) if inner else source
    interpreter = _interpreter(runtime)
    local = tree_digest(source) if _LOCAL_REQUIREMENT.search(requirements.read_text()) else ""
    dependencies = cache / f"pip-{_digest(requirements, interpreter + local)}"
    if not dependencies.exists():
        unfinished = _empty(dependencies.with_suffix(f".{os.getpid()}"))
        arguments = ("install", "--quiet", "--disable-pip-version-check", "--requirement", str(requirements), "--target", str(unfinished))
        _run([*_pip(interpreter), *arguments], source)
        _keep(unfinished, dependencies)
    return _assembled(source, dependencies, cache, inner)


def _nodejs(source: Path, cache: Path, inner: str) -> Path:
    manifest, lock = source / "package.json", source / "package-lock.json"
    wanted = _dependencies(manifest)
    if not wanted:
        return _assembled(source, None, cache, inner) if inner else source
    local = any(str(version).startswith(("file:", ".", "/", "~")) for version in wanted.values())
    more = (lock.read_text() if lock.is_file() else "") + (tree_digest(source) if local else "")
    dependencies = cache / f"npm-{_digest(manifest, more)}"
    if not dependencies.exists():
        if shutil.which("npm") is None:
            raise click.ClickException(f"{source} has a package.json, but npm is not installed.")
        unfinished = _empty(dependencies.with_suffix(f".{os.getpid()}"))
        if local:
            shutil.copytree(source, unfinished, dirs_exist_ok=True, symlinks=True, ignore=IGNORED)
        for file in (manifest, lock, source / ".npmrc"):
            if file.is_file():
                shutil.copy(file, unfinished)
        how = ["ci"] if lock.is_file() else ["install"]
        _run(["npm", *how, "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"], unfinished)
        (unfinished / ".npmrc").unlink(missing_ok=True)
        _keep(unfinished, dependencies)
    return _assembled(source, dependencies, cache, inner)


def _keep(unfinished: Path, finished: Path) -> None:
    try:
        unfinished.rename(finished)
    except OSError:  # another deploy of the same was first
        shutil.rmtree(unfinished)


def _place(source: Path, cache: Path) -> Path:
    return cache / f"build-{hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]}"


def _assembled(source: Path, dependencies: Path | None, cache: Path, inner: str) -> Path:
    whole = _empty(_place(source, cache))
    target = whole / inner if inner else whole
    if dependencies is not None:
        shutil.copytree(dependencies, target, dirs_exist_ok=True, symlinks=True)
    shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True, ignore=IGNORED)
    return whole


def _dependencies(manifest: Path) -> dict[str, Any]:
    if not manifest.is_file():
        return {}
    try:
        return json.loads(manifest.read_text()).get("dependencies") or {}
    except (ValueError, AttributeError) as error:
        raise click.ClickException(f"{manifest} is not a package.json: {error}") from error


def tree_digest(source: Path) -> str:
    """Of what is in the files of a directory, without what a build leaves out."""
    whole = hashlib.sha256()
    for directory, names, files in os.walk(source):
        skipped = IGNORED(directory, [*names, *files])
        names[:] = sorted(set(names) - skipped)
        for name in sorted(set(files) - skipped):
            path = Path(directory, name)
            whole.update(f"{path.relative_to(source)}\0".encode())
            if path.is_file():
                whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _interpreter(runtime: str) -> str:
    """The Python that will run the function, so that compiled wheels fit it."""
    from tule.compute.runtimes import find_interpreter

    found = find_interpreter(runtime) if runtime.startswith("python") else None
    return str(found.executable) if found is not None else sys.executable


def _pip(interpreter: str) -> list[str]:
    """The interpreter's own pip where it has one (ours does not serve the oldest Pythons), else ours on its behalf."""
    own = [interpreter, "-m", "pip"]
    probe = subprocess.run([*own, "--version"], capture_output=True, check=False)
    return own if probe.returncode == 0 else [sys.executable, "-m", "pip", "--python", interpreter]


def _digest(manifest: Path, more: str) -> str:
    return hashlib.sha256(manifest.read_bytes() + b"\0" + more.encode()).hexdigest()[:16]


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command[:4])} ... failed in {directory}:\n{done.stderr or done.stdout}")
