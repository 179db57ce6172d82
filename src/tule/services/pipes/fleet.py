"""The pollers of all pipes, and the states that a pipe passes through once its poller has ended.

A running pipe is read; one that is being stopped is stopped, and one that is being deleted is gone, when its poller has
ended what it had begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from tule.core.errors import ServiceError
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.contract import Reader, Source
from tule.pollers.pollers import Pollers
from tule.services.pipes import encryption, settings, sources, state
from tule.services.pipes.names import of_arn
from tule.services.pipes.reader import PipeReader, tell
from tule.services.pipes.state import Document
from tule.store.store import Tx

AGAIN_S = 30.0  # after KMS refused to decrypt

_ENDING = ("STOPPING", "DELETING")


class Fleet:
    def __init__(self, node: Node) -> None:
        self._node = node
        self.pollers = Pollers(node, "pipes", [state.CHANGED], self._wanted, self._reader, self._kept, self._complete)

    def _wanted(self, tx: Tx) -> Sequence[Source]:
        found = [(ref, pipe) for ref, pipe in state.everywhere(tx) if pipe["current"] == "RUNNING"]
        return [sources.source_of(ref, pipe, settings.max_batch(pipe["settings"])) for ref, pipe in found]

    async def _complete(self, found: Sequence[Source]) -> Sequence[Source]:
        """Those whose filters are there or can be decrypted; for the others it is tried again later."""
        opened = [await self._opened(source) for source in found]
        if None in opened:
            asyncio.get_running_loop().call_later(AGAIN_S, self.pollers.look_again)
        return [source for source in opened if source is not None]

    async def _opened(self, source: Source) -> Source | None:
        ref, pipe = of_arn(source.reader), cast("Document", source.described)
        if not pipe.get("envelope"):
            return source
        try:
            whole = await encryption.opened(self._node, ref, pipe)
        except (KeyRefused, ServiceError) as refusal:
            problem = refusal.message
            await self._node.store.write(lambda tx: tell(tx, ref, problem))
            return None
        return replace(source, filters=sources.filters_of(sources.kind_of(source.arn), whole))

    def _reader(self, source: Source) -> Reader:
        return PipeReader(self._node, of_arn(source.reader), cast("dict[str, Any]", source.described))

    async def _kept(self, running: set[str]) -> None:
        def ended(tx: Tx) -> bool:
            return any(pipe["current"] in _ENDING and ref.arn not in running for ref, pipe in state.everywhere(tx))

        if await self._node.store.read(ended):
            await self._node.store.write(lambda tx: _end(tx, running))


def _end(tx: Tx, running: set[str]) -> None:
    for ref, pipe in state.everywhere(tx):
        if pipe["current"] not in _ENDING or ref.arn in running:
            continue
        if pipe["current"] == "DELETING":
            state.delete(tx, ref)
            checkpoints.forget(tx, ref.arn)
        else:
            state.put(tx, ref, _stopped(pipe))


def _stopped(pipe: Document) -> Document:
    return {**pipe, "current": "STOPPED"}


def fleet(node: Node) -> Fleet:
    found = node.memory.get("pipes.fleet")
    if found is None:
        found = node.memory["pipes.fleet"] = Fleet(node)
    return cast(Fleet, found)
