"""What this host allows, found out by trying, and the sandbox level that follows from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(slots=True, frozen=True)
class Features:
    level: int
    user: bool  # a user namespace, because we are not root
    pid: bool
    mount: bool
    net: bool
    ipc: bool
    uts: bool
    unique_uids: bool

    def inside(self) -> Mapping[str, bool]:
        """What the processes inside need to know."""
        return asdict(self)


def probe() -> Features:
    root = sys.platform == "linux" and os.geteuid() == 0
    return Features(level=1 if root else 4, user=False, pid=root, mount=root, net=root, ipc=root, uts=root, unique_uids=root)
