"""Which interpreter runs a runtime's name, of those installed on this host.

A version is looked for on PATH, under pyenv, uv, nvm and the system's own places, and where `tule runtimes install` puts it: what
comes there is found at once, by nodes that run already.  When the named version is not there the
nearest one stands in, newer before older, and says so (`Interpreter.warning`); a strict node refuses instead.  A package with
native modules runs only on the Python that they are built for, so that one stands in before all others.

AWS: Lambda runtimes, https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from tule.compute.compute import FunctionUnavailable
from tule.compute.runtime_contract import Interpreter

RUBY_VERSIONS = ("2.7", "3.2", "3.3", "3.4")
PYTHON_VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
NODE_VERSIONS = ("16", "18", "20", "22", "24")
_PYTHON = re.compile(r"^python(3\.\d+)$")
_NATIVE = re.compile(r"\.cpython-3(\d+)-.*\.so$")
_NODE = re.compile(r"^nodejs(\d+)\.x$")
_RUBY = re.compile(r"^ruby(\d+\.\d+)$")
_PROBE_TIMEOUT_S = 10
# Directories that every sandbox shows: an interpreter below them needs no mount of its own.
_ALWAYS_SHOWN = ("/usr", "/lib", "/lib64", "/bin")


def find_interpreter(runtime: str, packages: Sequence[Path] = (), *, strict: bool = False) -> Interpreter | None:
    """The interpreter for `python3.12` or `nodejs22.x`; None for names of other families (`provided.al2023`).

    `packages` are the directories of the function's code and layers, where they are known.
    Raises FunctionUnavailable when nothing on this host will do, or (strict) when the version itself is not installed.
    """
    match = _PYTHON.match(runtime)
    if match:
        return _choose(runtime, match[1], installed_pythons(), "python", strict, packages)
    match = _NODE.match(runtime)
    if match:
        return _choose(runtime, match[1], installed_nodes(), "node", strict)
    match = _RUBY.match(runtime)
    if match:
        return _choose(runtime, match[1], installed_rubies(), "ruby", strict)
    return None


def home() -> Path:
    """Where `tule runtimes install` puts interpreters, for all installations of the user: `TULE_RUNTIME_HOME`, else in the user's
    data directory."""
    given = os.environ.get("TULE_RUNTIME_HOME")
    return Path(given) if given else Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "tule"


def _newest(family: str) -> int:
    """Changes when something is installed."""
    try:
        return os.stat(home() / family).st_mtime_ns
    except OSError:
        return 0


def installed_pythons() -> dict[str, Path]:
    """Version (`3.12`) to executable, of the CPythons that Lambda knows."""
    return _pythons(_newest("python"))


def installed_nodes() -> dict[str, Path]:
    """Major version (`20`) to executable."""
    return _nodes(_newest("nodejs"))


@cache
def installed_rubies() -> dict[str, Path]:
    """Version (`3.3`) to executable."""
    found: dict[str, Path] = {}
    for path in _ruby_candidates():
        version = _answer(path, "-e", "print RUBY_VERSION").rpartition(".")[0]
        if version and version not in found:
            found[version] = path
    return found


@lru_cache(maxsize=1)
def _pythons(newest: int) -> dict[str, Path]:
    del newest
    found: dict[str, Path] = {}
    for version, path in _python_candidates():
        if version in PYTHON_VERSIONS and version not in found and os.access(path, os.X_OK):
            found[version] = path
    return found


@lru_cache(maxsize=1)
def _nodes(newest: int) -> dict[str, Path]:
    del newest
    found: dict[str, Path] = {}
    for path in _node_candidates():
        version = _node_version(path)
        if version and version not in found:
            found[version] = path
    return found


def _choose(runtime: str, version: str, installed: dict[str, Path], family: str, strict: bool, packages: Sequence[Path] = ()) -> Interpreter:
    if version in installed:
        return _interpreter(version, installed[version], family)
    if strict or not installed:
        raise FunctionUnavailable(f"The runtime {runtime} is not installed on this host.")
    native = {built for package in packages for built in _built_for(package)}.intersection(installed)
    nearest = min(native or installed, key=lambda other: _distance(version, other))
    why = ", as the package has native modules that are built for it" if native else ""
    warning = f"{runtime} is not installed on this host: {family} {nearest} stands in for it{why}."
    return _interpreter(nearest, installed[nearest], family, exact=False, warning=warning)


@lru_cache(maxsize=4096)
def _built_for(package: Path) -> frozenset[str]:
    """The Pythons whose native modules are in a package, which never changes."""
    return frozenset(f"3.{match[1]}" for _, _, names in os.walk(package) for name in names if (match := _NATIVE.search(name)))


def _distance(wanted: str, other: str) -> tuple[int, int]:
    """Nearer first, and of two as near the newer."""
    gap = _number(other) - _number(wanted)
    return abs(gap), 0 if gap > 0 else 1


def _number(version: str) -> int:
    """3.9 comes before 3.10, and all of 2 before all of 3."""
    major, _, minor = version.rpartition(".")
    return int(minor) + 100 * int(major or 0)


def _interpreter(version: str, path: Path, family: str, *, exact: bool = True, warning: str = "") -> Interpreter:
    place = path.resolve().parent
    prefixes = _python_prefixes(path) if family == "python" else outside((place.parent if place.name == "bin" else place,))
    return Interpreter(version, path, prefixes, exact, warning)


@cache
def _python_prefixes(path: Path) -> tuple[Path, ...]:
    """Where an interpreter keeps its library, asked of itself: an executable's place does not tell."""
    script = "import sys; print(sys.base_prefix); print(sys.base_exec_prefix)"
    answer = subprocess.run([path, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=True)
    return outside((*(Path(line) for line in answer.stdout.split("\n") if line), path.resolve().parent))


def outside(directories: Iterable[Path]) -> tuple[Path, ...]:
    """Those that a sandbox does not show anyway, each once, without those inside another."""
    kept: list[Path] = []
    for directory in sorted(set(directories), key=lambda d: len(d.parts)):
        if not any(directory.is_relative_to(shown) for shown in _ALWAYS_SHOWN) and not any(directory.is_relative_to(other) for other in kept):
            kept.append(directory)
    return tuple(kept)


def _python_candidates() -> Iterator[tuple[str, Path]]:
    for directory in path_directories():
        for version in PYTHON_VERSIONS:
            path = directory / f"python{version}"
            if os.path.isfile(path):  # unlike Path.is_file, it takes a directory that we may not search for one without it
                yield version, path
    for pattern, root in (
        ("versions/*/bin/python3.*", Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))),
        ("*/bin/python3.*", Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))),
        ("python3.*", Path("/usr/local/bin")),
        ("*/bin/python3.*", Path("/opt/python")),
        ("*/bin/python3.*", home() / "python"),
    ):
        for path in _matching(root, pattern):
            match = re.fullmatch(r"python(3\.\d+)", path.name)
            if match:
                yield match[1], path


def _node_candidates() -> Iterator[Path]:
    for directory in path_directories():
        for name in ("node", "nodejs"):
            if os.path.isfile(directory / name):
                yield directory / name
    user = Path.home()
    for pattern, root in (
        ("versions/node/*/bin/node", Path(os.environ.get("NVM_DIR", user / ".nvm"))),
        ("node-versions/*/installation/bin/node", Path(os.environ.get("FNM_DIR", user / ".local/share/fnm"))),
        ("tools/image/node/*/bin/node", Path(os.environ.get("VOLTA_HOME", user / ".volta"))),
        ("*/bin/node", home() / "nodejs"),
    ):
        yield from _matching(root, pattern)


def _ruby_candidates() -> Iterator[Path]:
    for directory in path_directories():
        for name in ("ruby", *(f"ruby{version}" for version in RUBY_VERSIONS)):
            if os.path.isfile(directory / name):
                yield directory / name
    for pattern, root in (
        ("versions/*/bin/ruby", Path(os.environ.get("RBENV_ROOT", Path.home() / ".rbenv"))),
        ("rubies/*/bin/ruby", Path.home() / ".rvm"),
        ("*/bin/ruby", Path("/opt/rubies")),
    ):
        yield from _matching(root, pattern)


def _matching(root: Path, pattern: str) -> list[Path]:
    """Newer versions first, as far as names tell.  What may not be searched holds nothing for us."""
    return sorted(map(Path, glob.glob(f"{glob.escape(str(root))}/{pattern}")), reverse=True)


def path_directories() -> Iterator[Path]:
    """PATH without version managers' shims, which run whatever is configured, and without a virtual environment's links."""
    for text in os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(os.pathsep):
        directory = Path(text)
        if text and directory.name != "shims" and not os.path.exists(directory.parent / "pyvenv.cfg"):
            yield directory


@cache
def _node_version(path: Path) -> str:
    return _answer(path, "--version").removeprefix("v").partition(".")[0]


def _answer(path: Path, *arguments: str) -> str:
    """What a program says; nothing, when it cannot be run."""
    try:
        answer = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
