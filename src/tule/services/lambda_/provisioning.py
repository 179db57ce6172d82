"""Brings provisioned concurrency about: tells compute how many instances of each version to keep.

Runs when the node starts and whenever some function changed: an alias that moves on takes its instances along.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson

from tule.compute.compute import FunctionUnavailable, Provisioned
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_ import provisioned, state
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.runnables import Runnable
from tule.store.errors import StoreError
from tule.store.store import Tx

if TYPE_CHECKING:
    from tule.services.lambda_.running import Functions

log = logging.getLogger("tule.lambda")

AGAIN_S = 30.0  # after the store or a role failed


class Provisioning:
    """`failures` says of a version's instances, by their key, why there are not enough."""

    def __init__(self, node: Node, here: Functions) -> None:
        self._node = node
        self._here = here
        self._kept: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looking = False
        self._progress = asyncio.Event()

    async def keep(self) -> None:
        """For the node's life."""
        stop = self._node.store.subscribe(state.CHANGED, self._changed.set)
        self._changed.set()
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._looking = True
                try:
                    await self._look()
                except StoreError as error:
                    log.warning("provisioned concurrency is not brought about: %s", error)
                    asyncio.get_running_loop().call_later(AGAIN_S, self._changed.set)
                self._looking = False
                self._progress.set()
        finally:
            stop()

    async def _look(self) -> None:
        wanted = await self._node.store.read(_wanted)
        runnables: dict[str, tuple[Runnable, int]] = {}
        for ref, count in wanted:
            try:
                function = await self._here.runnables.get(ref)
            except ServiceError:
                continue  # deleted meanwhile: that is a change, and it will be looked at
            runnables[function.spec.key] = (function, count)
        for key in self._kept.keys() - runnables.keys():
            del self._kept[key]
            self._node.compute.retire(key)
        for key, (function, count) in runnables.items():
            if self._kept.get(key) != count:
                self._kept[key] = count
                self._begin(function, count)

    def _begin(self, function: Runnable, count: int) -> None:
        """Provisioning takes as long as the function's own initialisation does; others need not wait for it."""
        key = function.spec.key
        task = self._tasks[key] = asyncio.create_task(self._provision(function, count, self._tasks.get(key)))
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        self._progress.set()

    def hint(self) -> None:
        """Look soon."""
        self._changed.set()

    async def settle(self) -> None:
        """Return when all that was asked for by now is there, or is known to fail."""
        while self._changed.is_set() or self._looking or self._tasks:
            self._progress.clear()
            await self._progress.wait()

    async def _provision(self, function: Runnable, count: int, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._node.compute.provision(await self._here.opened(function), count, credentials=await self._here.credentials(function))
        except (ServiceError, FunctionUnavailable) as error:
            log.warning("%s has no provisioned instances: %s", function.ref.qualified_arn, error)
            self._kept.pop(function.spec.key, None)
            asyncio.get_running_loop().call_later(AGAIN_S, self._changed.set)

    def standing(self, key: str) -> Provisioned:
        return self._node.compute.provisioned(key)

    def is_settled(self, key: str) -> bool:
        return key in self._kept and key not in self._tasks

    def forget(self) -> None:
        """After a reset, which has ended the instances."""
        self._kept.clear()


def failure_text(document: bytes) -> str:
    """StatusReason of instances that cannot be initialised."""
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        parsed = {}
    told = parsed.get("errorMessage", "") if isinstance(parsed, dict) else ""
    return f"FUNCTION_ERROR_INIT_FAILURE: {told}" if told else "FUNCTION_ERROR_INIT_FAILURE"


def _wanted(tx: Tx) -> list[tuple[FunctionRef, int]]:
    """Each version of which instances are to be kept, and how many."""
    return [
        (ref._replace(qualifier=number), count)
        for ref in provisioned.everywhere(tx)
        for number, count in provisioned.by_version(tx, ref).items()
        if count
    ]
