"""Layers laid over one another without an overlay file system: one directory of links."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path


def merged(layers: Sequence[Path], directory: Path) -> Path:
    """A directory under `directory` in which later layers win; made once for the same layers."""
    if len(layers) == 1:
        return layers[0]
    target = directory / ("opt-" + hashlib.sha256("\0".join(map(str, layers)).encode()).hexdigest()[:16])
    if target.exists():
        return target
    building = target.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for layer in layers:
        shutil.copytree(layer, building, copy_function=_link, symlinks=True, dirs_exist_ok=True)
    building.rename(target)
    return target


def _link(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
