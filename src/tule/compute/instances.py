"""A function's instance: a sandbox with the function's code in it, the link to its runtime, and the extensions beside that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from signal import Signals

from tule.compute import failures
from tule.compute.compute import Credentials, FunctionSpec, FunctionUnavailable, InitializationType
from tule.compute.environment import credential_variables, extension_environment
from tule.compute.extensions import Extensions
from tule.compute.failures import Failure
from tule.compute.instance_api import InstanceApi
from tule.compute.platform_log import PlatformLog
from tule.compute.runtime_contract import Link
from tule.compute.sandboxes import OPT_ROOT, Sandbox, Sandboxes
from tule.compute.telemetry import Telemetry

RENEW_BEFORE_MS = 300_000


@dataclass(slots=True, eq=False)
class Instance:
    function: FunctionSpec
    sandbox: Sandbox
    link: Link
    api: InstanceApi
    platform: PlatformLog
    telemetry: Telemetry
    log_stream: str
    environment: Mapping[str, str]
    detach: Callable[[], None]
    credentials_until_ms: int | None = None
    initialization: InitializationType = "on-demand"
    init_ms: float | None = None  # until an invocation has reported it
    retired: bool = False
    idle_since: float = 0.0
    out_of_memory: bool = False
    broken: tuple[str, str] | None = None  # error type and message of the extension that ended it
    freezing: asyncio.TimerHandle | None = field(default=None, repr=False)
    extensions: Extensions = field(init=False)

    @property
    def provisioned(self) -> bool:
        return self.initialization == "provisioned-concurrency"

    # -- Init

    async def initialize(self, sandboxes: Sandboxes) -> None:
        """Extensions first, then the runtime; returns when all wait for their first event.  Raises InitFailed, FunctionUnavailable."""
        if self.extensions:
            await self._start_extensions(sandboxes)
        self.sandbox.let_start(self.environment)
        await self.link.initialize()

    async def _start_extensions(self, sandboxes: Sandboxes) -> None:
        variables = extension_environment(self.environment)
        for name in self.extensions.names:
            try:
                companion = sandboxes.accompany(self.sandbox, name, f"{OPT_ROOT}/extensions/{name}", variables)
            except (OSError, FunctionUnavailable) as error:
                self.extensions.not_started(name, str(error))
                break
            companion.log.heard = self.telemetry.extension
            companion.ended.add_done_callback(lambda ended, name=name: self.extensions.exited(name, failures.how_ended(ended.result())))
        await self.extensions.registered()

    async def initialized(self) -> None:
        """The end of Init: extensions wait for their first event too."""
        if self.extensions:
            await self.extensions.ready()
        if self.broken is not None:
            await asyncio.get_running_loop().create_future()  # the sandbox is ending: wait for the supervisor's cancellation
        self.extensions.close_registration()
        self.telemetry.end_init()

    def break_down(self, error_type: str, message: str) -> None:
        """An extension failed: so does the instance."""
        self.broken = (error_type, message)
        self.sandbox.kill()

    # -- invocations

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

    @property
    def quiet(self) -> bool:
        """Runtime and extensions wait for the next event."""
        return self.link.settled and self.extensions.quiet

    async def become_quiet(self) -> None:
        await self.link.settle()
        await self.extensions.become_quiet()

    def freeze_in(self, seconds: float) -> None:
        """Threads that the handler left behind stand still; a moment later, so that the next invocation need not wait for a thaw."""
        self.freezing = asyncio.get_running_loop().call_later(seconds, self._freeze, seconds)

    def _freeze(self, seconds: float) -> None:
        """Not while a runtime has answered, and goes on before it asks for the next event."""
        if self.link.settled:
            self.sandbox.freeze()
        else:
            self.freeze_in(seconds)

    # -- how it ends

    def run_out_of_memory(self) -> None:
        self.out_of_memory = True
        self.sandbox.kill()

    def ran_out_of_memory(self) -> bool:
        group = self.sandbox.group
        return self.out_of_memory or (group is not None and group.out_of_memory())

    def cut_short(self) -> None:
        """Its time is over: the runtime ends at once, extensions may still shut down."""
        if self.extensions:
            self.sandbox.signal_runtime(Signals.SIGKILL)
        else:
            self.sandbox.kill()

    def why_ended(self, request_id: str) -> Failure:
        """When its runtime has ended and was not told to."""
        if self.broken is not None:
            return failures.of_extension(request_id, *self.broken)
        return failures.exited(request_id, self.sandbox.ended.result(), self.ran_out_of_memory())

    def end(self) -> None:
        if self.freezing is not None:
            self.freezing.cancel()
        self.sandbox.kill()
        self.link.close()
        self.extensions.close()
        self.telemetry.close()
        self.api.close()
        self.detach()
