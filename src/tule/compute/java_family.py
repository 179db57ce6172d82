"""Java functions: a JVM of this host with a runtime of ours (inside/java), which speaks the Runtime API.

The runtime is compiled once, by the compiler of an installed development kit, into the user's data directory.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tule.compute import java_trust
from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.jvms import OLDEST, Jvm, find_jvm, installed_jvms
from tule.compute.runtime_api import ApiLink
from tule.compute.runtime_contract import Launch, Mount, Spawned, SpawnRequest
from tule.compute.runtimes import home
from tule.compute.wrappers import unusable, wrapper_of

SOURCES = Path(__file__).with_name("inside") / "java"
CLASSES_ROOT = "/var/runtime/lib"
TRUST_ROOT = "/var/runtime/trust"
HEAP_SHARE = 0.75  # of the function's memory; the rest is for threads, code and classes
COMPILE_TIMEOUT_S = 120


@dataclass(slots=True)
class JavaFamily:
    strict: bool = False
    trust: Callable[[], Path] | None = None  # gives a directory with what functions trust
    parkable: bool = False  # the program starts with its function's classes

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        jvm = find_jvm(runtime, strict=self.strict)
        classes = compiled()
        memory_mb = function.memory_mb if function is not None else 512
        flags = (
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "-XX:+TieredCompilation",
            "-XX:TieredStopAtLevel=1",  # AWS: Java runtimes from 11 on compile so
            f"-Xmx{int(memory_mb * HEAP_SHARE)}m",
            "-Djava.net.preferIPv4Stack=true",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
        )
        argv = (str(jvm.home.resolve() / "bin" / "java"), *flags, "-cp", f"{CLASSES_ROOT}/runtime", "tule.Bootstrap", f"{CLASSES_ROOT}/api")
        mounts = (Mount(classes, CLASSES_ROOT),)
        if self.trust is not None:
            argv += (f"{TRUST_ROOT}/{java_trust.FILE}",)
            mounts += (Mount(self.trust(), TRUST_ROOT),)
        return SpawnRequest(argv=argv, mounts=mounts, wrapper=wrapper_of(function))

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}"}

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> ApiLink:
        return ApiLink(spawned, loop, unusable(function))


@cache
def compiled() -> Path:
    """The directory with our classes, made when it is first asked for.  Raises FunctionUnavailable."""
    sources = sorted(SOURCES.rglob("*.java"))
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    target = home() / "java" / digest
    if target.is_dir():
        return target
    compiler = next((Jvm(version, place).compiler for version, place in installed_jvms().items() if (place / "bin" / "javac").is_file()), None)
    if compiler is None:
        raise FunctionUnavailable("Java functions need a development kit (with javac) on this host.")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unfinished-"))
    try:
        unfinished.chmod(0o755)
        for part, folder in (("runtime", SOURCES / "tule"), ("api", SOURCES / "api")):
            _compile(compiler, unfinished / part, sorted(folder.rglob("*.java")))
        if not target.is_dir():
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _compile(compiler: Path, target: Path, sources: list[Path]) -> None:
    command = [compiler, "--release", str(OLDEST), "-Xlint:-options", "-nowarn", "-d", target, *sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False)
    if done.returncode:
        raise FunctionUnavailable(f"The Java runtime cannot be compiled by {compiler}: {done.stderr.strip()}")
