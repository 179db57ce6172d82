from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.services.scheduler.house import SchedulerHouse, opened

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SchedulerHouse]:
    """A node whose clock stands at noon of 25 March 2026, in UTC, four days before summer time begins in Europe."""
    async with opened(tmp_path, request.param, NOON) as running:
        yield running
