"""What this host allows, found out by trying, and the sandbox level that follows from it.

1: root on Linux; 2: user namespaces; 3: no namespaces, but no_new_privs, Landlock and seccomp; 4: plain processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

INSIDE = Path(__file__).parent / "inside"
TIMEOUT_S = 20.0


@dataclass(slots=True, frozen=True)
class Features:
    """What the processes inside use; `reasons` says why something is missing."""

    level: int
    user: bool = False  # the spawner makes a user namespace, because we are not root
    inner_user: bool = False  # each instance has a user namespace of its own
    pid: bool = False
    mount: bool = False
    net: bool = False
    ipc: bool = False
    uts: bool = False
    unique_uids: bool = False
    no_new_privs: bool = False
    landlock: bool = False
    seccomp: bool = False
    pidfd: bool = False
    overlay: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])

    def inside(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "reasons"}


def probe(best: int = 1) -> Features:
    """Try everything, in processes of their own.  `best` is the best level wanted, for hosts (and tests) that want less."""
    command = [sys.executable, "-I", "-S", str(INSIDE), "probe"]
    answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, check=True)
    return features(json.loads(answer.stdout), best)


def features(tried: Mapping[str, Any], best: int = 1) -> Features:
    """`tried` maps a feature to the empty string when it works, else to why not."""

    def works(name: str) -> bool:
        return tried.get(name) == ""

    def why(*names: str) -> dict[str, str]:
        return {name: tried[name] for name in names if tried.get(name)}

    locked = {
        "no_new_privs": works("no_new_privs"),
        "landlock": works("no_new_privs") and tried.get("landlock", 0) > 0,
        "seccomp": works("seccomp"),
        "pidfd": works("pidfd"),
    }
    spaces = {"pid": True, "mount": True, "net": True, "ipc": True, "uts": True, "inner_user": works("inner_user"), "overlay": works("overlay")}
    tightened = locked["no_new_privs"] and locked["seccomp"]
    if best <= 1 and works("rooted") and tightened and locked["pidfd"]:
        return Features(1, unique_uids=True, reasons=why("inner_user", "overlay"), **spaces, **locked)
    if best <= 2 and works("user") and tightened and locked["pidfd"] and not tried.get("root"):
        return Features(2, user=True, reasons=why("rooted", "inner_user", "overlay"), **spaces, **locked)
    if best <= 3 and tightened and locked["landlock"]:
        return Features(3, reasons=why("rooted", "user"), **locked)
    return Features(4, pidfd=locked["pidfd"], reasons=why("rooted", "user", "no_new_privs", "seccomp"))
