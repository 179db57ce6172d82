"""Deletions that wait while a backup copies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Keeper:
    def __init__(self) -> None:
        self._keeping = 0
        self._free = asyncio.Event()
        self._free.set()

    async def passing(self) -> None:
        """Return when nothing is to be kept."""
        await self._free.wait()

    @asynccontextmanager
    async def keep(self) -> AsyncGenerator[None]:
        self._keeping += 1
        self._free.clear()
        try:
            yield
        finally:
            self._keeping -= 1
            if not self._keeping:
                self._free.set()
