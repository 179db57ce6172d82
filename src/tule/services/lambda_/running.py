"""Running a function once: its concurrency, its role, its instance, its logs."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import cast

from tule.compute.compute import Credentials, FunctionUnavailable, Invocation
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_ import errors, state
from tule.services.lambda_.concurrency import Concurrency
from tule.services.lambda_.log_shipper import LogShipper
from tule.services.lambda_.packages import Packages
from tule.services.lambda_.runnables import Runnable, Runnables
from tule.services.lambda_.sessions import RoleSession, RoleSessions
from tule.store.errors import StoreError

log = logging.getLogger("tule.lambda")

SWEEP_EVERY_S = 1000.0  # longer than the longest invocation


class Functions:
    """What Lambda keeps in a node's memory; found by `functions(node)`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.packages = Packages(node)
        self.runnables = Runnables(node, self.packages)
        self.sessions = RoleSessions(node)
        self.concurrency = Concurrency(node.config.concurrency)
        self.shipper = LogShipper(node, self.sessions)
        node.blobs.referenced_by(state.blobs_held)

    async def run(
        self, function: Runnable, payload: bytes, request_id: str, client_context: str | None = None, trace: str | None = None
    ) -> Invocation:
        """Raises TooManyRequestsException, AccessDeniedException (the role) or ServiceException (no instance can be had)."""
        ref, sessions = function.ref, self.sessions
        self.concurrency.enter(ref.account, ref.region, ref.name, function.reserved, function.reserved_by_others)
        try:
            session = sessions.current(ref, function.role) or await self._assume(function)

            def credentials() -> Credentials:
                return (sessions.current(ref, function.role) or session).credentials

            invocation = await self.node.compute.invoke(
                function.spec, payload, request_id=request_id, credentials=credentials, client_context=client_context, trace=trace
            )
        except FunctionUnavailable as error:
            raise errors.function_cannot_run(str(error)) from error
        finally:
            self.concurrency.leave(ref.account, ref.region, ref.name, function.reserved)
        self.shipper.add(function, invocation.log_stream, invocation.lines)
        return invocation

    async def _assume(self, function: Runnable) -> RoleSession:
        try:
            return await self.sessions.assume(function.ref, function.role)
        except ServiceError as error:
            if error.code != "InvalidParameterValueException":
                raise
            raise ServiceError("AccessDeniedException", error.message, 403, fields={"Type": "User"}) from error

    async def prepare(self) -> None:
        """When the node starts: the first invocation of a function that is there already need not wait for its runtime."""
        for runtime in await self.node.store.read(state.runtimes):
            self.node.compute.prepare(runtime)

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
        self.sessions.forget()
        for sha256 in self.packages.present():
            self.packages.forget(sha256)


def functions(node: Node) -> Functions:
    found = node.memory.get("lambda")
    if found is None:
        found = node.memory["lambda"] = Functions(node)
    return cast(Functions, found)
