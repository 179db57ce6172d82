from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.store.store import Store


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: TurnableClock) -> AsyncIterator[Store]:
    """An empty store with tables, of each kind in turn."""
    async with opened(request.param, tmp_path, clock) as store:
        yield store
