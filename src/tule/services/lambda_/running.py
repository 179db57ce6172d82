"""Running a function once: its concurrency, its role, its instance, its logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import cast

from tule.compute.compute import Credentials, FunctionSpec, FunctionUnavailable, Invocation, InvocationStream, LogLine
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.roles import RoleSession
from tule.services.lambda_ import environments, errors, execution_role, idleness, recursion, state
from tule.services.lambda_.concurrency import Concurrency, Slot
from tule.services.lambda_.log_shipper import LogShipper
from tule.services.lambda_.metrics import FunctionMetrics
from tule.services.lambda_.packages import Packages
from tule.services.lambda_.provisioning import Provisioning
from tule.services.lambda_.runnables import Runnable, Runnables
from tule.services.lambda_.urls.configs import UrlConfigs
from tule.store.errors import StoreError

log = logging.getLogger("tule.lambda")

SWEEP_EVERY_S = 1000.0  # longer than the longest invocation
MAX_KNOWN = 10_000


class Functions:
    """What Lambda keeps in a node's memory; found by `functions(node)`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.packages = Packages(node)
        self.runnables = Runnables(node, self.packages)
        self.urls = UrlConfigs(node)
        self.concurrency = Concurrency(node.config.concurrency)
        self.provisioning = Provisioning(node, self)
        self.shipper = LogShipper(node)
        self.metrics = FunctionMetrics(node.meter)
        self._known: dict[str, Runnable] = {}  # by the key of their instances, for lines that come late
        self._streams: set[asyncio.Task[Invocation]] = set()
        node.blobs.referenced_by(state.blobs_held)

    async def run(
        self,
        function: Runnable,
        payload: bytes,
        request_id: str,
        client_context: str | None = None,
        trace: str | None = None,
        *,
        waits: bool = True,
    ) -> Invocation:
        """Raises TooManyRequestsException, RecursiveInvocationException, AccessDeniedException (the role), ServiceException
        (no instance can be had), or what says that the function was inactive.  `waits`: somebody waits for the answer."""
        carried, slot = await self._enter(function, trace, waits=waits)
        try:
            credentials = await self.credentials(function)
            spec = function.spec if function.sealed is None else await self.opened(function)
            invocation = await self.node.compute.invoke(
                spec, payload, request_id=request_id, credentials=credentials, client_context=client_context, trace=carried
            )
        except FunctionUnavailable as error:
            raise errors.function_cannot_run(str(error)) from error
        finally:
            self._leave(function, slot)
        self.metrics.invoked(function.ref, function.spec.version, invocation)
        self.shipper.add(function, invocation.log_stream, invocation.lines)
        return invocation

    async def stream(
        self, function: Runnable, payload: bytes, request_id: str, client_context: str | None = None, trace: str | None = None
    ) -> RunningStream:
        """As `run`, but returns when the answer begins."""
        carried, slot = await self._enter(function, trace, waits=True)
        try:
            credentials = await self.credentials(function)
            spec = function.spec if function.sealed is None else await self.opened(function)
            stream = await self.node.compute.invoke_streaming(
                spec, payload, request_id=request_id, credentials=credentials, client_context=client_context, trace=carried
            )
        except BaseException as error:
            self._leave(function, slot)
            if isinstance(error, FunctionUnavailable):
                raise errors.function_cannot_run(str(error)) from error
            raise
        ended = asyncio.create_task(self._follow(function, stream, slot))
        self._streams.add(ended)
        ended.add_done_callback(self._streams.discard)
        return RunningStream(stream, ended)

    async def _enter(self, function: Runnable, trace: str | None, *, waits: bool) -> tuple[str, Slot]:
        """The trace that the invocation carries on, and what to `_leave`."""
        try:
            carried = str(recursion.enter(self.node, function, trace))
            if function.sleeper is not None:
                await idleness.enter(self.node, function.ref, function.sleeper)
            slot = self.concurrency.enter(function.ref, function.share, waits=waits)
        except ServiceError as error:
            self.metrics.refused(function.ref, error)
            raise
        self.metrics.entered(function.ref)
        return carried, slot

    def _leave(self, function: Runnable, slot: Slot) -> None:
        self.concurrency.leave(slot)
        self.metrics.left(function.ref)

    async def _follow(self, function: Runnable, stream: InvocationStream, slot: Slot) -> Invocation:
        """An invocation goes on when nobody reads its answer any more."""
        try:
            invocation = await stream.end()
        finally:
            self._leave(function, slot)
        self.metrics.invoked(function.ref, function.spec.version, invocation)
        self.shipper.add(function, invocation.log_stream, invocation.lines)
        return invocation

    async def credentials(self, function: Runnable) -> Callable[[], Credentials]:
        """What gives the role's credentials whenever an instance needs them.  Raises AccessDeniedException."""
        ref, role = function.ref, function.role
        session = execution_role.current(self.node, ref, role) or await self._assume(function)
        self._remember(function)
        return lambda: _signing(execution_role.current(self.node, ref, role) or session)

    async def opened(self, function: Runnable) -> FunctionSpec:
        """What the function runs with, its environment decrypted as its role.  Raises KMSAccessDeniedException and its like."""
        if function.sealed is None:
            return function.spec
        if not function.opened:
            session = execution_role.current(self.node, function.ref, function.role) or await self._assume(function)
            function.opened.append(await environments.opened(self.node, function.spec, function.sealed, session))
        return function.opened[-1]

    async def _assume(self, function: Runnable) -> RoleSession:
        try:
            return await execution_role.assume(self.node, function.ref, function.role)
        except ServiceError as error:
            if error.code != "InvalidParameterValueException":
                raise
            raise ServiceError("AccessDeniedException", error.message, 403, fields={"Type": "User"}) from error

    def _remember(self, function: Runnable) -> None:
        if function.spec.key not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[function.spec.key] = function

    def take_late_lines(self, spec: FunctionSpec, stream: str, lines: tuple[LogLine, ...]) -> None:
        """What an instance wrote when no invocation carried it."""
        function = self._known.get(spec.key)
        if function is not None:
            self.shipper.add(function, stream, lines)

    async def prepare(self) -> None:
        """When the node starts: the first invocation of a function that is there already need not wait for its runtime."""
        self.node.compute.on_late_lines(self.take_late_lines)
        for runtime in await self.node.store.read(state.runtimes):
            self.node.compute.prepare(runtime)
        await self.urls.look()

    async def sweep(self) -> None:
        """For the node's life: remove directories of packages that no function has had for a while (instances may still be ending)."""
        await asyncio.to_thread(self.packages.forget_other_boots)
        unused: set[str] = set()
        while True:
            try:
                unused = await self._sweep(unused)
            except StoreError as error:
                log.warning("packages are not swept: %s", error)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _sweep(self, unused_before: set[str]) -> set[str]:
        """Removes what is unused still; what is unused now."""
        present = self.packages.present()
        used = await self.node.store.read(partial(state.packages_among, sha256s=present))
        for sha256 in unused_before.difference(used).intersection(present):
            await asyncio.to_thread(self.packages.forget, sha256)
        return set(present) - used

    def forget(self) -> None:
        """After a reset."""
        self.runnables.forget()
        self.urls.forget()
        self.provisioning.forget()
        self._known.clear()
        for sha256 in self.packages.present():
            self.packages.forget(sha256)


class RunningStream:
    """An invocation whose answer comes in pieces."""

    def __init__(self, stream: InvocationStream, ended: asyncio.Task[Invocation]) -> None:
        self.content_type = stream.content_type
        self.streamed = stream.streamed
        self._stream = stream
        self._ended = ended

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces.  When their reader goes away, nobody reads what the function still writes."""
        try:
            async for chunk in self._stream:
                yield chunk
        finally:
            self._stream.discard()

    async def end(self) -> Invocation:
        """How it went, once all is read."""
        return await asyncio.shield(self._ended)

    def discard(self) -> None:
        self._stream.discard()


def _signing(session: RoleSession) -> Credentials:
    given = session.credentials
    return Credentials(given.access_key, given.secret_key, given.session_token, given.expires_ms)


def functions(node: Node) -> Functions:
    found = node.memory.get("lambda")
    if found is None:
        found = node.memory["lambda"] = Functions(node)
    return cast(Functions, found)
