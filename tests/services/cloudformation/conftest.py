"""A house for the engine's tests, on every kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.postgres import node_database
from tests.services.cloudformation.house import House, build, tear_down


@pytest.fixture(params=["sqlite", "chaos", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    url = node_database() if request.param == "postgresql" else ""
    house = await build(tmp_path / "house", store=url, chaos=request.param == "chaos")
    yield house
    await tear_down(house)
