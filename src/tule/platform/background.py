"""What a node does besides answering, for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.platform.service import Service

log = logging.getLogger("tule")

CANCEL_AGAIN_S = 0.5


class Background:
    """Work of services is begun once the node is open, and at once from then on."""

    def __init__(self) -> None:
        self._node: Node | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._services: dict[str, Service] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, node: Node) -> None:
        self._loop, self._thread, self._node = asyncio.get_running_loop(), threading.get_ident(), node
        for service in list(self._services.values()):
            self._start(service, node)

    def begin(self, service: Service) -> None:
        """Start a service's work, from any thread, once."""
        if service.name in self._services:
            return
        self._services[service.name] = service
        if self._loop is None or self._node is None:
            return
        if threading.get_ident() == self._thread:
            self._start(service, self._node)
        else:
            self._loop.call_soon_threadsafe(self._start, service, self._node)

    def add(self, name: str, work: Awaitable[None]) -> None:
        self._tasks.append(asyncio.create_task(_forever(name, work)))

    async def end(self) -> None:
        """Python 3.11's `wait_for` may swallow a cancellation that comes as what it waits for does: it is asked again."""
        self._loop = None
        pending = {task for task in self._tasks if not task.done()}
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)

    def _start(self, service: Service, node: Node) -> None:
        if self._loop is None:
            return  # the node has ended meanwhile
        for work in service.start(node) if service.start is not None else ():
            self.add(service.name, work)


async def _forever(name: str, work: Awaitable[None]) -> None:
    """Background work ends only with the node; whatever else ends it is a fault that must be seen."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("background work of %s ended", name)
        raise
