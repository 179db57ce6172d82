"""A function's instance: a sandbox with the function's code in it, and the link to its runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tule.compute.compute import Credentials, FunctionSpec, InitializationType
from tule.compute.environment import credential_variables
from tule.compute.instance_api import InstanceApi
from tule.compute.runtime_contract import Link
from tule.compute.sandboxes import Sandbox

RENEW_BEFORE_MS = 300_000


@dataclass(slots=True, eq=False)
class Instance:
    function: FunctionSpec
    sandbox: Sandbox
    link: Link
    api: InstanceApi
    log_stream: str
    detach: Callable[[], None]
    credentials_until_ms: int | None = None
    initialization: InitializationType = "on-demand"
    init_ms: float | None = None  # until an invocation has reported it
    retired: bool = False
    idle_since: float = 0.0
    out_of_memory: bool = False
    freezing: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def provisioned(self) -> bool:
        return self.initialization == "provisioned-concurrency"

    def renewed(self, credentials: Callable[[], Credentials] | None, now_ms: int) -> Mapping[str, str]:
        """New variables when the ones that the instance has would expire during or soon after the invocation."""
        if credentials is None or not self._expires_soon(now_ms):
            return {}
        fresh = credentials()
        self.credentials_until_ms = fresh.expires_ms
        return credential_variables(fresh)

    def is_stale(self, now_ms: int) -> bool:
        """Its credentials would run out: clients that the function keeps between invocations never look for others."""
        return self._expires_soon(now_ms)

    def _expires_soon(self, now_ms: int) -> bool:
        until_ms = self.credentials_until_ms
        return until_ms is not None and until_ms - now_ms <= RENEW_BEFORE_MS + self.function.timeout_s * 1000

    def wake(self) -> None:
        if self.freezing is not None:
            self.freezing.cancel()
            self.freezing = None
        self.sandbox.thaw()

    def freeze_in(self, seconds: float) -> None:
        """Threads that the handler left behind stand still; a moment later, so that the next invocation need not wait for a thaw."""
        self.freezing = asyncio.get_running_loop().call_later(seconds, self.sandbox.freeze)

    def run_out_of_memory(self) -> None:
        self.out_of_memory = True
        self.sandbox.kill()

    def ran_out_of_memory(self) -> bool:
        group = self.sandbox.group
        return self.out_of_memory or (group is not None and group.out_of_memory())

    def end(self) -> None:
        if self.freezing is not None:
            self.freezing.cancel()
        self.sandbox.kill()
        self.link.close()
        self.api.close()
        self.detach()
