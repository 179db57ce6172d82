"""`functions` runs handlers at every sandbox level that this host allows; `rooted` only where instances have a root of their own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.compute.functions import Functions

LEVELS = (1, 3, 4) if os.geteuid() == 0 else (2, 3, 4)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def functions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Functions]:
    made = Functions(_readable(tmp_path_factory.mktemp("functions")), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rooted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Functions]:
    made = Functions(_readable(tmp_path_factory.mktemp("functions")), LEVELS[0])
    yield made
    await made.compute.stop()


def _readable(path: Path) -> Path:
    path.chmod(0o755)
    return path
