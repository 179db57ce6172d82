from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.pipes.house import PipesHouse, opened


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PipesHouse]:
    async with opened(tmp_path, request.param) as running:
        yield running
