"""The supervisor: takes or starts an instance for each invocation, and answers as Lambda answers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tule.compute import reports
from tule.compute.channel import Channel
from tule.compute.compute import Credentials, FunctionSpec, FunctionUnavailable, Invocation, LogLine
from tule.compute.environment import function_environment
from tule.compute.log_pipe import LogPipe
from tule.compute.network_contract import Network, NoNetwork
from tule.compute.probe import Features, probe
from tule.compute.python_family import PythonFamily, own_interpreter
from tule.compute.runtime_contract import InitFailed, Link, Request, Runtime, Spawned, ZygoteRequest
from tule.compute.spawning import Spawner, socket_pair
from tule.core.clock import Clock
from tule.core.config import Config
from tule.core.ids import Ids

FIRST_UID = 1_900_000_000


class Instance:
    def __init__(self, function: FunctionSpec, stream: str) -> None:
        self.function = function
        self.log_stream = stream
        self.lines: list[LogLine] = []
        self.link: Link
        self.pidfd = -1
        self.log: LogPipe
        self.agent: Channel


class Supervisor:
    def __init__(self, config: Config, clock: Clock, ids: Ids, network: Network | None = None) -> None:
        self._config, self._clock, self._ids = config, clock, ids
        self._network: Network = network or NoNetwork()
        self._features: Features = probe()
        self._spawner = Spawner(self._features, self._network.files())
        interpreter = own_interpreter()
        self._python = PythonFamily({interpreter.version: interpreter})
        self._idle: dict[str, list[Instance]] = {}
        self._instances: set[Instance] = set()
        self._uids = 0

    async def start(self) -> None:
        if self._features.level > self._config.sandbox_minimum:
            raise FunctionUnavailable("sandbox below the minimum")

    async def stop(self) -> None:
        for instance in list(self._instances):
            self._kill(instance)
        await self._spawner.stop()

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
        idle = self._idle.get(function.key)
        init_ms: float | None = None
        if idle:
            instance = idle.pop()
        else:
            began = time.perf_counter()
            instance = await self._begin(function, credentials)
            init_ms = (time.perf_counter() - began) * 1000
        now = self._clock.now_ms()
        instance.lines = [LogLine(now, reports.start(request_id, function.version))]
        deadline = int(time.time() * 1000 + function.timeout_s * 1000)
        began = time.perf_counter()
        outcome = await instance.link.invoke(Request(payload, request_id, deadline, function.arn, client_context, cognito_identity, trace))
        duration = (time.perf_counter() - began) * 1000
        instance.log.drain()
        used = instance.link.rss_kb // 1024
        now = self._clock.now_ms()
        instance.lines.append(LogLine(now, reports.end(request_id)))
        instance.lines.append(LogLine(now, reports.report(request_id, duration, function.memory_mb, used, init_ms)))
        self._idle.setdefault(function.key, []).append(instance)
        return Invocation(outcome.payload, outcome.error, instance.log_stream, tuple(instance.lines), duration, reports.billed_ms(duration), init_ms, used)

    async def _begin(self, function: FunctionSpec, credentials: Callable[[], Credentials] | None) -> Instance:
        loop = asyncio.get_running_loop()
        family: Runtime = self._python
        launch = family.launch(function.runtime, function)
        assert isinstance(launch, ZygoteRequest)
        instance = Instance(function, f"{time.strftime('%Y/%m/%d')}/[{function.version}]{self._ids.hex(32)}")
        trees = self._spawner.trees([[function.code], *([function.layers] if function.layers else [])])
        zygote = await self._spawner.zygote(launch.interpreter, launch.sdk_path)
        instance.agent, agent_end = Channel.pair(loop)
        control, control_end = socket_pair()
        instance.log = LogPipe(loop, lambda text: instance.lines.append(LogLine(self._clock.now_ms(), text)))
        self._uids += 1
        uid = FIRST_UID + self._uids % 100_000
        order = {
            "fds": ["agent", "control", "log"], "uid": uid, "gid": uid, "tmp_mb": function.tmp_mb, "open_files": 1024,
            "listeners": [{"kind": each.kind, "address": each.address, "port": each.port, "options": each.options} for each in self._network.listeners],
        }  # fmt: skip
        zygote.fork(order, [agent_end.fileno(), control_end.fileno(), instance.log.write_end])
        agent_end.close()
        control_end.close()
        instance.log.close_write_end()
        _, fds = await instance.agent.receive()
        instance.pidfd = fds[0]
        sockets = {spec.name: socket.socket(fileno=fd) for spec, fd in zip(self._network.listeners, fds[1:], strict=True)}
        mounted = await trees
        instance.agent.send({"targets": ["/var/task", "/opt"]}, mounted)
        for fd in mounted:
            os.close(fd)
        self._instances.add(instance)
        await instance.agent.receive()
        addresses = {spec.name: (spec.address, spec.port) for spec in self._network.listeners}
        environment = function_environment(function, instance.log_stream, family.environment(function), self._network.environment(function, addresses))
        spawned = Spawned(self._ids.hex(16), self._features.level, "/var/task", "/opt", environment, control, sockets)
        instance.link = family.connect(function, spawned, loop)
        await instance.link.initialize()
        return instance

    def _kill(self, instance: Instance) -> None:
        self._instances.discard(instance)
        signal.pidfd_send_signal(instance.pidfd, signal.SIGKILL)
        instance.link.close()
        instance.agent.close()
        instance.log.close()
        os.close(instance.pidfd)

    def retire(self, key_prefix: str) -> None:
        for key in [key for key in self._idle if key.startswith(key_prefix)]:
            for instance in self._idle.pop(key):
                self._kill(instance)

    def describe(self) -> Mapping[str, object]:
        return {"level": self._features.level, "instances": len(self._instances)}
