"""What `sam build` would do for Python (pip) and Node.js (npm): a directory with the code and all that it needs.

A build is kept under `.aws-sam/tule/` beside the template, keyed by the manifest's content, so that dependencies are
installed once and not at each deploy.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import click

IGNORED = shutil.ignore_patterns(".git", ".aws-sam", "__pycache__", "*.pyc", ".venv", "node_modules", ".pytest_cache", ".DS_Store")


def build(source: Path, runtime: str, cache: Path, *, method: str = "", layer: bool = False) -> Path:
    """The directory to zip for the code in `source`; `source` itself when nothing is to be built."""
    if method not in ("", "python", "nodejs") and not method.startswith(("python3", "nodejs")):
        raise click.ClickException(f"{source}: BuildMethod {method} is not implemented by Tule yet; build it with sam build and deploy that.")
    family = method or runtime
    if family.startswith("python") and (source / "requirements.txt").is_file():
        return _python(source, runtime, cache, "python" if layer else "")
    if family.startswith("nodejs") and _has_dependencies(source):
        return _nodejs(source, cache, "nodejs" if layer else "")
    return source


def _python(source: Path, runtime: str, cache: Path, inner: str) -> Path:
    interpreter = _interpreter(runtime)
    dependencies = cache / f"pip-{_digest(source / 'requirements.txt', interpreter)}"
    if not dependencies.exists():
        unfinished = _empty(dependencies.with_suffix(".unfinished"))
        _run(
            [
                *_pip(interpreter),
                *("install", "--quiet", "--disable-pip-version-check"),
                *("--requirement", str(source / "requirements.txt"), "--target", str(unfinished)),
            ],
            source,
        )
        unfinished.rename(dependencies)
    return _assembled(source, dependencies, cache, inner)


def _nodejs(source: Path, cache: Path, inner: str) -> Path:
    manifest = source / "package.json"
    lock = source / "package-lock.json"
    dependencies = cache / f"npm-{_digest(manifest, lock.read_text() if lock.is_file() else '')}"
    if not dependencies.exists():
        if shutil.which("npm") is None:
            raise click.ClickException(f"{source} has a package.json, but npm is not installed.")
        unfinished = _empty(dependencies.with_suffix(".unfinished"))
        for file in (manifest, lock):
            if file.is_file():
                shutil.copy(file, unfinished)
        _run(["npm", "ci" if lock.is_file() else "install", "--omit=dev", "--no-audit", "--no-fund", "--silent"], unfinished)
        unfinished.rename(dependencies)
    return _assembled(source, dependencies, cache, inner)


def _assembled(source: Path, dependencies: Path, cache: Path, inner: str) -> Path:
    whole = _empty(cache / f"build-{hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]}")
    target = whole / inner if inner else whole
    shutil.copytree(dependencies, target, dirs_exist_ok=True, symlinks=True)
    shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True, ignore=IGNORED)
    return whole


def _has_dependencies(source: Path) -> bool:
    manifest = source / "package.json"
    return manifest.is_file() and bool(json.loads(manifest.read_text()).get("dependencies"))


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
