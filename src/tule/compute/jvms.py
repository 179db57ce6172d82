"""Which Java runs a runtime's name.  A newer one runs what was compiled for an older one, and so stands in before an older one does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tule.compute.compute import FunctionUnavailable
from tule.compute.runtimes import outside, path_directories

JAVA_VERSIONS = ("8", "11", "17", "21", "25")
_JAVA = re.compile(r"^java(\d+)(\.al2)?$")
_PROBE_TIMEOUT_S = 20
OLDEST = 11  # what the runtime of ours is compiled for


@dataclass(slots=True, frozen=True)
class Jvm:
    version: str  # 17
    home: Path
    exact: bool = True
    warning: str = ""

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"

    @property
    def compiler(self) -> Path | None:
        """A development kit has one."""
        path = self.home / "bin" / "javac"
        return path if path.is_file() else None

    @property
    def prefixes(self) -> tuple[Path, ...]:
        """Directories outside /usr that it needs: itself, and where its distribution keeps its configuration."""
        links = (self.home / "conf", self.home / "lib" / "security", self.home / "lib" / "jvm.cfg")
        targets = (path.resolve() for path in links if path.exists())
        return outside((self.home.resolve(), *(target if target.is_dir() else target.parent for target in targets)))


def find_jvm(runtime: str, *, strict: bool = False) -> Jvm:
    """Raises FunctionUnavailable when nothing on this host will do, or (strict) when the version itself is not installed."""
    match = _JAVA.match(runtime)
    installed = installed_jvms()
    if match is None or not installed:
        raise FunctionUnavailable(f"The runtime {runtime} is not installed on this host.")
    wanted = match[1]
    if wanted in installed:
        return Jvm(wanted, installed[wanted])
    if strict:
        raise FunctionUnavailable(f"The runtime {runtime} is not installed on this host.")
    newer = [version for version in installed if int(version) > int(wanted)]
    nearest = min(newer or installed, key=lambda other: abs(int(other) - int(wanted)))
    return Jvm(nearest, installed[nearest], False, f"{runtime} is not installed on this host: java {nearest} stands in for it.")


@cache
def installed_jvms() -> dict[str, Path]:
    """Major version (`17`) to the directory of the JVM; looked up once for the life of the process."""
    found: dict[str, Path] = {}
    for place in _candidates():
        version = _version(place)
        if version and int(version) >= OLDEST and version not in found:
            found[version] = place
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def _candidates() -> Iterator[Path]:
    """Development kits before others, each once."""
    seen: dict[Path, None] = {}
    named = os.environ.get("JAVA_HOME")
    places = [Path(named)] if named else []
    places += [(directory / "java").resolve().parent.parent for directory in path_directories() if (directory / "java").is_file()]
    for root in (Path("/usr/lib/jvm"), Path("/opt/java"), Path.home() / ".sdkman/candidates/java", Path.home() / ".jdks"):
        if root.is_dir():
            places += sorted(root.iterdir(), reverse=True)
    mac = Path("/Library/Java/JavaVirtualMachines")
    places += [each / "Contents/Home" for each in mac.iterdir()] if mac.is_dir() else []
    for place in places:
        if (place / "bin" / "java").is_file():
            seen[place.resolve()] = None
    yield from sorted(seen, key=lambda place: not (place / "bin" / "javac").is_file())


@cache
def _version(place: Path) -> str:
    """As its `release` file says, else asked of itself."""
    release = place / "release"
    if release.is_file() and (match := re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text(errors="replace"), re.MULTILINE)):
        return match[1]
    try:
        command = [place / "bin" / "java", "-XshowSettings:properties", "-version"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"java\.version = (?:1\.)?(\d+)", said)
    return match[1] if match else ""
