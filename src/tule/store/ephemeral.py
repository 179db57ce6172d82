"""Directories for what is gone when the node stops."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_PREFIX = "ephemeral-"


def ephemeral_directory(data: Path) -> tuple[Path, Callable[[], None]]:
    """A new directory in the data directory, and how to remove it.  Those that killed nodes left go now."""
    for left in data.glob(_PREFIX + "*"):
        if not _is_running(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=data))
    return directory, lambda: shutil.rmtree(directory, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
