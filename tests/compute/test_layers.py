"""Layers in real instances: laid over one another at /opt, the last on top, however long the paths on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compute.functions import Functions

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOK = """
import os

def handler(event, context):
    return {name: open(f'/opt/{name}').read() for name in sorted(os.listdir('/opt'))}
"""


def _layers(directory: Path, count: int) -> tuple[Path, ...]:
    """Each has a file of its own, and the file that all have; below a path too long for one mount option."""
    deep = directory / ("d" * 120) / ("e" * 120)
    layers = [deep / f"{count}-layers-{number}" for number in range(count)]
    for number, layer in enumerate(layers):
        layer.mkdir(parents=True)
        (layer / "shared").write_text(str(number))
        (layer / f"own-{number}").write_text(str(number))
    return tuple(layers)


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_the_last_layer_wins_and_every_layer_is_there(rooted: Functions, count: int) -> None:
    layers = _layers(rooted.directory, count)
    assert await rooted.value(LOOK, layers=layers) == {"shared": str(count - 1)} | {f"own-{number}": str(number) for number in range(count)}
