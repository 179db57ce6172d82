"""The services of a node by name, each loaded and begun when it is first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tule.platform.service import Room, Service


class Rooms(Mapping[str, Service]):
    """`begin` gets each Service as soon as it is loaded, to start its background work; perhaps twice, where two threads ask at once."""

    def __init__(self, rooms: Sequence[Room], begin: Callable[[Service], None]) -> None:
        self.rooms = {room.name: room for room in rooms}
        self._begin = begin
        self._loaded: dict[str, Service] = {}
        self.complete = asyncio.Event()

    def __getitem__(self, name: str) -> Service:
        found = self._loaded.get(name)
        return self._open(self.rooms[name]) if found is None else found

    def get(self, name: str, default: Any = None) -> Any:
        found = self._loaded.get(name)
        if found is not None:
            return found
        room = self.rooms.get(name)
        return default if room is None else self._open(room)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rooms)

    def __len__(self) -> int:
        return len(self.rooms)

    def loaded(self) -> list[Service]:
        """Those that somebody has asked for."""
        return list(self._loaded.values())

    async def load_all(self) -> None:
        """Load what nobody has asked for yet, on a thread, so that the node answers meanwhile; `complete` is set in the end."""
        for room in self.rooms.values():
            if room.name not in self._loaded:
                await asyncio.to_thread(room.load)
                self[room.name]
        self.complete.set()

    def _open(self, room: Room) -> Service:
        service = room.load()
        if room.name not in self._loaded:
            self._loaded[room.name] = service
            self._begin(service)
        return service
