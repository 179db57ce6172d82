"""What `tule doctor` says of this host, and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tule.compute import cgroups, sdks
from tule.compute.jvms import Jvm, installed_jvms
from tule.compute.probe import Features, probe
from tule.compute.runtimes import NODE_VERSIONS, PYTHON_VERSIONS, installed_nodes, installed_pythons, installed_rubies
from tule.core.config import Config

_LEVELS = {
    1: "own user id, pid, mount, network, ipc and uts namespaces, read-only root, no capabilities, Landlock, seccomp",
    2: "the same by user namespaces, without user ids of their own",
    3: "no namespaces: no new privileges, Landlock, seccomp and limits; functions see the host's network",
    4: "plain processes, WITHOUT ISOLATION: run only code that you trust",
}
_ADVICE = {
    2: "Level 1 needs root.",
    3: "Level 2 needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0;"
    " in a container run it with namespaces allowed.",
    4: "Isolation needs Linux 5.13 or newer with Landlock and seccomp.",
}


@dataclass(slots=True, frozen=True)
class Finding:
    """`good` False is worth a look; `advice` says what can be done."""

    topic: str
    state: str
    good: bool = True
    advice: str = ""


def diagnose(config: Config) -> list[Finding]:
    """Probes by trying; takes about a tenth of a second."""
    features = probe()
    return [*_sandbox(features, config), *_groups(features), *_runtimes(), *_sdks(), *_room(config)]


def _sandbox(features: Features, config: Config) -> Iterator[Finding]:
    yield Finding("sandbox", f"level {features.level}: {_LEVELS[features.level]}", features.level <= 2, _ADVICE.get(features.level, ""))
    for name, reason in features.reasons.items():
        yield Finding(f"sandbox feature {name}", f"missing: {reason}", good=False)
    if features.level > config.sandbox_minimum:
        yield Finding("functions", f"do not run: the configured minimum is level {config.sandbox_minimum}", False, "TULE_SANDBOX_MINIMUM lowers it.")


def _groups(features: Features) -> Iterator[Finding]:
    if features.level > 2:
        return
    hierarchies = cgroups.find()
    found = hierarchies.describe()
    for parent in hierarchies.parents():
        with suppress(OSError):  # a node in this process has instances in it, and keeps it
            parent.rmdir()
    if "memory" in found:
        yield Finding("memory limits", f"by control groups ({', '.join(f'{name} {version}' for name, version in found.items())})")
    else:
        advice = "As root, or with a delegated control group (systemd-run --user --scope -p Delegate=yes), memory is limited exactly."
        yield Finding("memory limits", "by address space only: no control group can be written to", False, advice)


def _runtimes() -> Iterator[Finding]:
    for family, wanted, found in (("python", PYTHON_VERSIONS, installed_pythons()), ("nodejs", NODE_VERSIONS, installed_nodes())):
        if not found:
            yield Finding(family, "not installed", False, f"Functions in {family} do not run here.")
            continue
        missing = [version for version in wanted if version not in found]
        state = ", ".join(f"{version} ({path})" for version, path in sorted(found.items(), key=lambda item: [int(p) for p in item[0].split(".")]))
        advice = f"For {', '.join(missing)} the nearest version stands in, said in the function's log." if missing else ""
        yield Finding(family, state, not missing, advice)
    yield from _other_runtimes()
    yield Finding("provided", "any bootstrap that this host can execute")


def _other_runtimes() -> Iterator[Finding]:
    """Runtimes that many do without: it is nothing to be worried about when they are not there."""
    javas = {version: str(place) for version, place in installed_jvms().items()}
    rubies = {version: str(path) for version, path in installed_rubies().items()}
    needs = {"java": "A Java development kit from 11 on makes functions in Java run here.", "ruby": "A Ruby makes functions in Ruby run here."}
    for family, found in (("java", javas), ("ruby", rubies)):
        state = ", ".join(f"{version} ({place})" for version, place in found.items()) or "not installed"
        yield Finding(family, state, advice="" if found else needs[family])
    if javas and not any(Jvm(version, place).compiler for version, place in installed_jvms().items()):
        yield Finding("java compiler", "missing: functions in Java do not run", False, "Install a development kit, which has javac.")


def _sdks() -> Iterator[Finding]:
    if not installed_nodes():
        return
    missing = {2, 3} - sdks.javascript_sdks().keys()
    if missing:
        advice = "make install brings it (it needs npm)." if shutil.which("npm") else "Install npm, then: make install."
        yield Finding("JavaScript SDK", f"version {' and '.join(str(v) for v in sorted(missing))} missing: only what functions bring", False, advice)
    else:
        yield Finding("JavaScript SDK", "v3 and v2, as AWS's runtimes carry")


def _room(config: Config) -> Iterator[Finding]:
    data = config.data_path
    while not data.exists():
        data = data.parent
    free = shutil.disk_usage(data).free
    yield Finding("disk", f"{free / 2**30:.1f} GiB free at {data}", free > 2**30, "" if free > 2**30 else "Writes are refused once the disk is full.")
    yield Finding("node", f"Python {sys.version.split()[0]}")
