"""The supervisor: takes or starts an instance for each invocation, and answers as Lambda answers.

    invoke -> an idle instance of the function, the last used first
           -> or a cold start: a parked sandbox or a new one, the code mounted, the runtime initialised (ten seconds;
              what fails is tried once more within the function's own time-out, as Lambda does)
           -> the event goes in, and either an answer, the end of the process or the time-out comes out
           -> the instance is frozen and waits in the pool, or is ended

Instances are started a few at a time, however many are wanted: the processor is the limit, and the first are ready sooner.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tule.compute import cgroups, telemetry_api
from tule.compute import extensions as extensions_api
from tule.compute.answers import AnswerStream, WholeAnswer
from tule.compute.compute import Credentials, FunctionSpec, FunctionUnavailable, InitializationType, Invocation, LogLine, Provisioned
from tule.compute.environment import function_environment
from tule.compute.extensions import Extensions, external_names
from tule.compute.families import InstalledRuntimes
from tule.compute.instance_api import InstanceApi
from tule.compute.instances import Instance
from tule.compute.invocations import Caller, ColdStart, run
from tule.compute.network_contract import RUNTIME_API, ListenerSpec, Network, NoNetwork, Tenant
from tule.compute.parking import Parking
from tule.compute.platform_log import PlatformLog
from tule.compute.pool import Pool
from tule.compute.probe import Features, probe
from tule.compute.provisioning import Provisioning
from tule.compute.runtime_contract import Request, Runtime, Runtimes, Spawned
from tule.compute.sandboxes import Sandbox, Sandboxes
from tule.compute.shutdown import Reason, shut_down
from tule.compute.spawning import Spawner
from tule.compute.telemetry import Telemetry
from tule.compute.telemetry_api import TelemetryApi
from tule.core.clock import Clock
from tule.core.config import Config
from tule.core.ids import Ids

RUNTIME_API_LISTENER = ListenerSpec(RUNTIME_API, "127.0.0.1", 9001, needs_namespace=False)
STARTS_AT_ONCE = 2 * (os.cpu_count() or 1) + 2
FREEZE_AFTER_S = 0.02
LOOK_AFTER_S = 1.0
GONE_S = 1.0
STOP_TIMEOUT_S = 5.0  # a process that cannot die (in a system call) does not keep the node

TakeLines = Callable[[FunctionSpec, str, tuple[LogLine, ...]], None]


class Supervisor:
    """Implements `compute.Compute`.  Nothing is started before there is a function."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        ids: Ids,
        network: Network | None = None,
        runtimes: Runtimes | None = None,
        best_level: int = 1,
    ) -> None:
        self._config, self._clock, self._ids = config, clock, ids
        self._network: Network = network or NoNetwork()
        self._runtimes: Runtimes = runtimes or InstalledRuntimes(config.data_path, strict=config.strict_runtimes)
        self._best_level = best_level
        self._features: Features | None = None
        self._hierarchies = cgroups.Hierarchies()
        self._sandboxes: Sandboxes | None = None
        self._spawner: Spawner | None = None
        self._pool = Pool(config.instance_idle_s, self._end)
        self._parking = Parking(config.parked, self._park, lambda: self._starting > 0)
        self._instances: set[Instance] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._provisioning = Provisioning(self._start_ahead, self._give_up)
        self._take_late_lines: TakeLines = _no_lines
        self._turns = asyncio.Semaphore(STARTS_AT_ONCE)
        self._starting = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._opening: asyncio.Task[Sandboxes] | None = None
        self._probing: asyncio.Task[Features] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._preparing: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """What the host allows is found out a moment later, or when the first function runs, so that a node is ready sooner."""
        self._later = asyncio.get_running_loop().call_later(LOOK_AFTER_S, self._look_now)

    def _look_now(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self.look())

    async def look(self) -> None:
        """Find out what the host allows, for `describe`."""
        await self._known_features()

    def prepare(self, runtime: str) -> None:
        if runtime not in self._preparing:
            task = self._preparing[runtime] = asyncio.get_running_loop().create_task(self._prepare(runtime))
            task.add_done_callback(lambda _: self._preparing.pop(runtime))

    async def _prepare(self, runtime: str) -> None:
        try:
            family = self._runtimes.family(runtime)
            if not family.parkable:
                return
            await asyncio.gather(self._open(), asyncio.to_thread(family.launch, runtime, None))  # which looks for programs on the disk
        except FunctionUnavailable:
            return  # the first invocation runs into the same reason, and says it
        if self._can_park(family):
            self._parking.prepare(runtime)

    async def stop(self) -> None:
        if self._later is not None:
            self._later.cancel()
        for task in (*self._preparing.values(), *([self._looking] if self._looking else ())):
            task.cancel()
        self._parking.close()
        self._provisioning.close()
        self._pool.close()
        sandboxes = self.sandboxes()
        for instance in list(self._instances):
            self._end(instance)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for sandbox in sandboxes:
            sandbox.kill()
        if sandboxes:
            await asyncio.wait([sandbox.gone for sandbox in sandboxes], timeout=STOP_TIMEOUT_S)
        if self._spawner is not None:
            await self._spawner.stop()
        for parent in self._hierarchies.parents():
            cgroups.remove_tree(parent)
        self._sandboxes = self._spawner = self._opening = None

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        return self._runtimes.warning(runtime, packages)

    async def invoke(
        self,
        function: FunctionSpec,
        payload: bytes,
        *,
        request_id: str,
        credentials: Callable[[], Credentials] | None = None,
        client_context: str | None = None,
        cognito_identity: str | None = None,
        trace: str | None = None,
    ) -> Invocation:
        request = Request(payload, request_id, 0, function.arn, client_context, cognito_identity, trace, function.tenant or None)
        return await self._invoke(self._caller(request, function, credentials), WholeAnswer())

    async def invoke_streaming(
        self,
        function: FunctionSpec,
        payload: bytes,
        *,
        request_id: str,
        credentials: Callable[[], Credentials] | None = None,
        client_context: str | None = None,
        cognito_identity: str | None = None,
        trace: str | None = None,
    ) -> AnswerStream:
        request = Request(payload, request_id, 0, function.arn, client_context, cognito_identity, trace, function.tenant or None)
        caller, stream = self._caller(request, function, credentials), AnswerStream()
        stream.follow(asyncio.get_running_loop().create_task(self._invoke(caller, stream)))
        await stream.beginning()
        return stream

    def _caller(self, request: Request, function: FunctionSpec, credentials: Callable[[], Credentials] | None) -> Caller:
        own = request.trace or f"Root=1-{self._clock.now_ms() // 1000:08x}-{self._ids.hex(24)};Parent={self._ids.hex(16)};Sampled=0"
        return Caller(function, request, credentials, self._clock, _on_demand(function), own)

    async def _invoke(self, caller: Caller, answer: WholeAnswer | AnswerStream) -> Invocation:
        function = caller.function
        instance = self._take(function.key)
        cold: ColdStart | None = None
        if instance is None:
            await self._room()
            cold = self._cold_start(caller)
            instance = await cold.instance()
        if instance is None:
            assert cold is not None and cold.failed is not None
            return cold.failed
        try:
            ran = await run(caller, instance, cold, answer, self._take_late)
        except BaseException:
            self._end(instance)
            raise
        if ran.rest is not None:
            self._keep(ran.rest)
            ran.rest.add_done_callback(lambda rest: self._give_back(instance, rest.cancelled() or rest.result(), ran.invocation))
        else:
            self._give_back(instance, ran.alive, ran.invocation)
        return ran.invocation

    def _give_back(self, instance: Instance, alive: bool, invocation: Invocation) -> None:
        if alive and not instance.retired and not instance.sandbox.ended.done():
            instance.freeze_in(FREEZE_AFTER_S)
            self._pool.put(instance)
            self._make_room()
        else:
            timed_out = b'"Sandbox.Timedout"' in invocation.payload[:64]
            self._end(instance, "spindown" if alive else "timeout" if timed_out else "failure")

    def _take_late(self, instance: Instance) -> None:
        """Lines that no invocation carries."""
        if lines := instance.sandbox.log.take():
            self._take_late_lines(instance.function, instance.log_stream, lines)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        """Tasks that nobody else holds are held until they are done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def provision(self, function: FunctionSpec, count: int, *, credentials: Callable[[], Credentials] | None = None) -> Provisioned:
        return await self._provisioning.keep(function, count, credentials)

    def provisioned(self, key: str) -> Provisioned:
        return self._provisioning.state(key)

    def on_late_lines(self, take: TakeLines) -> None:
        self._take_late_lines = take

    async def _start_ahead(self, function: FunctionSpec, credentials: Callable[[], Credentials] | None) -> Instance | bytes:
        """An initialised instance in the pool, or the error document of why there is none."""
        caller = Caller(function, Request(b"", "", 0, function.arn), credentials, self._clock, "provisioned-concurrency")
        await self._room()
        instance, failure = await self._cold_start(caller).ahead()
        self._take_late(instance)
        if failure is not None:
            self._end(instance)
            return failure.document
        instance.freeze_in(FREEZE_AFTER_S)
        self._pool.put(instance)
        return instance

    def _cold_start(self, caller: Caller) -> ColdStart:
        function = caller.function
        stream, warning = self._log_stream(function), self.warning(function.runtime, (function.code, *function.layers))
        return ColdStart(caller, lambda name: self._begin(caller, name), lambda failed: self._end(failed, "failure"), stream, warning)

    def _give_up(self, instance: Instance) -> None:
        """At once when it is idle, else after what it runs."""
        instance.retired = True
        if self._pool.discard(instance):
            self._end(instance)

    def retire(self, key_prefix: str) -> None:
        self._provisioning.forget(key_prefix)
        for instance in self._pool.matching(key_prefix):
            self._pool.discard(instance)
            self._end(instance)
        for instance in self._instances:
            if instance.function.key.startswith(key_prefix):
                instance.retired = True

    def sandboxes(self) -> list[Sandbox]:
        """All there are, parked ones too."""
        return list(self._sandboxes.alive) if self._sandboxes else []

    def describe(self) -> Mapping[str, object]:
        features = self._features
        return {
            "sandbox": features
            and {
                "level": features.level,
                "features": features.inside(),
                "missing": dict(features.reasons),
                "groups": self._hierarchies.describe(),
            },
            "runtimes": self._runtimes.describe(),
            "instances": {"all": len(self._instances), "idle": len(self._pool), "parked": len(self._parking)},
        }

    async def _known_features(self) -> Features:
        if self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(asyncio.to_thread(probe, self._best_level))
        features = await asyncio.shield(self._probing)
        self._features = features
        return features

    def _take(self, key: str) -> Instance | None:
        """An idle instance that can still serve."""
        while (instance := self._pool.take(key)) is not None and instance.is_stale(self._clock.now_ms()):
            self._end(instance)
        return instance

    def _log_stream(self, function: FunctionSpec) -> str:
        """AWS: `2024/05/01/[$LATEST]` and 32 hexadecimal digits."""
        day = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).strftime("%Y/%m/%d")
        return f"{day}/[{function.version}]{self._ids.hex(32)}"

    async def _room(self) -> None:
        """Wait until there may be one more instance; an idle one of another function makes room."""
        while len(self._instances) + self._starting >= self._config.concurrency:
            oldest = self._pool.oldest()
            if oldest is not None:
                self._pool.discard(oldest)
                self._end(oldest)
                continue
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def _make_room(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _begin(self, caller: Caller, log_stream: str) -> tuple[Instance, Sandboxes]:
        """A sandbox with the function's code in it, not yet initialised.  Raises FunctionUnavailable."""
        self._starting += 1
        try:
            async with self._turns:
                return await self._begin_now(caller, log_stream)
        finally:
            self._starting -= 1
            if self._waiting:
                self._make_room()

    async def _begin_now(self, caller: Caller, log_stream: str) -> tuple[Instance, Sandboxes]:
        function = caller.function
        family = self._runtimes.family(function.runtime)
        if function.runtime in self._preparing:
            await asyncio.wait([self._preparing[function.runtime]])
        sandboxes = await self._open()
        launch = family.launch(function.runtime, function)
        parked = self._can_park(family) and family.launch(function.runtime, None) == launch
        sandbox = self._parking.take(function.runtime, launch) if parked else None
        if sandbox is None:
            sandbox = await sandboxes.start(self._ids.hex(20), launch, self._listeners, function)
        try:
            fetched = caller.credentials() if caller.credentials is not None else None
            environment = self._environment(caller, sandbox, family, log_stream, fetched)
            await sandboxes.let_code_in(sandbox, launch, function)
            return self._instance(caller, sandbox, family, log_stream, environment, fetched), sandboxes
        except BaseException:
            sandbox.kill()
            raise

    def _environment(self, caller: Caller, sandbox: Sandbox, family: Runtime, log_stream: str, credentials: Credentials | None) -> dict[str, str]:
        function = caller.function
        network = self._network.environment(function, sandbox.addresses)
        own = family.environment(function)
        environment = function_environment(function, log_stream, sandbox.task_root, own, network, credentials, caller.initialization)
        environment["AWS_LAMBDA_RUNTIME_API"] = "{}:{}".format(*sandbox.addresses[RUNTIME_API])
        return environment

    def _instance(
        self, caller: Caller, sandbox: Sandbox, family: Runtime, log_stream: str, environment: dict[str, str], fetched: Credentials | None
    ) -> Instance:
        function = caller.function
        loop = asyncio.get_running_loop()
        others = {name: sock for name, sock in sandbox.sockets.items() if name != RUNTIME_API}
        api = InstanceApi(sandbox.sockets[RUNTIME_API], loop)
        spawned = Spawned(sandbox.id, sandbox.features.level, sandbox.task_root, sandbox.opt_root, environment, sandbox.control, api)
        link = family.connect(function, spawned, loop)
        detach = self._network.attach(Tenant(sandbox.id, function, caller.credentials), others)
        sandbox.function_key = function.key
        external = external_names(function.layers) if function.layers else ()
        telemetry = Telemetry(function.log_format == "JSON", bool(external))
        platform = PlatformLog(function, sandbox.log, self._clock.now_ms, telemetry)
        until_ms, kind = fetched.expires_ms if fetched else None, caller.initialization
        instance = Instance(function, sandbox, link, api, platform, telemetry, log_stream, environment, detach, until_ms, kind)
        extensions = instance.extensions = Extensions(function, external, platform, instance.break_down)
        sandbox.log.heard = telemetry.function
        subscriptions = TelemetryApi(extensions, telemetry, platform, sandbox.socket)
        api.serve(extensions_api.VERSION, extensions.handle)
        api.serve(telemetry_api.TELEMETRY, subscriptions.handle)
        api.serve(telemetry_api.LOGS, subscriptions.handle)
        if sandbox.group is not None:
            sandbox.group.limit_memory(function.memory_mb, function.tmp_mb, instance.run_out_of_memory)
        self._instances.add(instance)
        sandbox.ended.add_done_callback(lambda _: self._forget_idle(instance))
        return instance

    @property
    def _listeners(self) -> list[ListenerSpec]:
        return [RUNTIME_API_LISTENER, *self._network.listeners]

    def _can_park(self, family: Runtime) -> bool:
        assert self._features is not None
        return family.parkable and self._features.mount and self._config.parked > 0

    async def _park(self, runtime: str) -> Sandbox:
        family = self._runtimes.family(runtime)
        sandboxes = await self._open()
        return await sandboxes.start(self._ids.hex(20), family.launch(runtime, None), self._listeners, None)

    async def _open(self) -> Sandboxes:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open_once())
        return await asyncio.shield(self._opening)

    async def _open_once(self) -> Sandboxes:
        features = await self._known_features()
        if features.level > self._config.sandbox_minimum:
            raise FunctionUnavailable(
                f"This host allows sandbox level {features.level}, and the node's minimum is {self._config.sandbox_minimum}: {dict(features.reasons)}"
            )
        self._hierarchies = cgroups.find() if features.level <= 2 else cgroups.Hierarchies()
        self._spawner = Spawner(features, self._network.files(), self._runtimes.prefixes)
        self._sandboxes = Sandboxes(features, self._hierarchies, self._spawner, self._clock.now_ms)
        return self._sandboxes

    def _forget_idle(self, instance: Instance) -> None:
        """An idle instance ended by itself; a busy one is ended by the invocation that it took down."""
        if self._pool.discard(instance):
            self._end(instance)

    def _end(self, instance: Instance, reason: Reason = "spindown") -> None:
        if instance not in self._instances:
            return
        self._instances.discard(instance)
        if instance.extensions:
            self._keep(asyncio.get_running_loop().create_task(self._shut_down(instance, reason)))
        else:
            instance.end()
        self._provisioning.lost(instance)
        self._make_room()

    async def _shut_down(self, instance: Instance, reason: Reason) -> None:
        await shut_down(instance, reason)
        await asyncio.wait([instance.sandbox.gone], timeout=GONE_S)
        self._take_late(instance)


def _on_demand(function: FunctionSpec) -> InitializationType:
    return "snap-start" if function.snap_start else "on-demand"


def _no_lines(function: FunctionSpec, log_stream: str, lines: tuple[LogLine, ...]) -> None:
    """Nobody asked for them."""
