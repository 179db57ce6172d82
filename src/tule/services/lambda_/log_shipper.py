"""Brings what functions print to CloudWatch Logs, as the function's role, beside the invocations and not in their way.

A role that may not write logs has none, and its function runs all the same, as on AWS.  Lines wait here for some
milliseconds so that busy functions write in batches; what waits when the node stops is written then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tule.compute.compute import LogLine
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_ import execution_role
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.runnables import Runnable
from tule.store.errors import StoreError

log = logging.getLogger("tule.lambda")

GATHER_S = 0.02
MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 1_000_000
EVENT_OVERHEAD_BYTES = 26
MAX_EVENT_BYTES = 1_000_000
MAX_WAITING_BYTES = 64 * 1024 * 1024  # a flood beyond this loses its newest lines, not the node its memory


class Stream(NamedTuple):
    ref: FunctionRef
    role: str
    group: str
    name: str


class LogShipper:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._waiting: dict[Stream, list[LogLine]] = {}
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._shipping = asyncio.Lock()

    def add(self, function: Runnable, stream: str, lines: Sequence[LogLine]) -> None:
        size = sum(len(line.text) for line in lines)
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            log.warning("log lines of %s are dropped: too many wait to be written", function.ref.arn)
            return
        self._waiting_bytes += size
        key = Stream(function.ref._replace(qualifier=None), function.role, function.spec.log_group, stream)
        self._waiting.setdefault(key, []).extend(lines)
        self._arrived.set()

    async def run(self) -> None:
        """For the node's life; on its end, what still waits is written."""
        try:
            while True:
                await self._arrived.wait()
                await asyncio.sleep(GATHER_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write all that waits."""
        async with self._shipping:
            self._arrived.clear()
            waiting, self._waiting, self._waiting_bytes = self._waiting, {}, 0
            for stream, lines in waiting.items():
                await self._ship(stream, lines)

    async def _ship(self, stream: Stream, lines: list[LogLine]) -> None:
        lines.sort(key=lambda line: line.at_ms)
        try:
            for batch in _batches(lines):
                await self._put(stream, batch)
        except ServiceError as error:
            level = logging.DEBUG if error.code.startswith("AccessDenied") else logging.WARNING
            log.log(level, "logs of %s are not written: %s", stream.ref.arn, error)
        except StoreError as error:  # a full disk: telemetry may be lost, functions go on
            log.warning("logs of %s are lost: %s", stream.ref.arn, error)

    async def _put(self, stream: Stream, batch: list[LogLine]) -> None:
        params = {
            "logGroupName": stream.group,
            "logStreamName": stream.name,
            "logEvents": [{"timestamp": line.at_ms, "message": line.text} for line in batch],
        }
        try:
            await self._call(stream, "PutLogEvents", params)
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            await self._create(stream)
            await self._call(stream, "PutLogEvents", params)

    async def _create(self, stream: Stream) -> None:
        group, name = {"logGroupName": stream.group}, {"logStreamName": stream.name}
        try:
            await self._call_unless_there(stream, "CreateLogStream", group | name)
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            await self._call_unless_there(stream, "CreateLogGroup", group)
            await self._call_unless_there(stream, "CreateLogStream", group | name)

    async def _call_unless_there(self, stream: Stream, operation: str, params: Mapping[str, object]) -> None:
        try:
            await self._call(stream, operation, params)
        except ServiceError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    async def _call(self, stream: Stream, operation: str, params: Mapping[str, object]) -> None:
        session = await execution_role.session(self._node, stream.ref, stream.role)
        await self._node.dispatcher.invoke("logs", operation, params, principal=session.principal, region=stream.ref.region)


def _batches(lines: list[LogLine]) -> list[list[LogLine]]:
    """Lines in groups that PutLogEvents takes; lines that are longer than an event may be are cut."""
    batches: list[list[LogLine]] = [[]]
    size = 0
    for line in lines:
        encoded = line.text.encode()
        if not encoded:
            continue
        if len(encoded) > MAX_EVENT_BYTES - EVENT_OVERHEAD_BYTES:
            line = LogLine(line.at_ms, encoded[: MAX_EVENT_BYTES - EVENT_OVERHEAD_BYTES].decode(errors="ignore"))
        cost = min(len(encoded), MAX_EVENT_BYTES) + EVENT_OVERHEAD_BYTES
        if batches[-1] and (size + cost > MAX_BATCH_BYTES or len(batches[-1]) == MAX_BATCH_EVENTS):
            batches.append([])
            size = 0
        batches[-1].append(line)
        size += cost
    return [batch for batch in batches if batch]
