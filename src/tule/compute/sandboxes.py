"""One sandbox, as the node holds it: the first process, its log, its groups, its listeners; and how one is started and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tule.compute.cgroups import Group, Hierarchies
from tule.compute.channel import Channel, ChannelClosed
from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.layers import merged
from tule.compute.log_pipe import LogPipe
from tule.compute.network_contract import ListenerSpec
from tule.compute.probe import Features
from tule.compute.runtime_contract import Launch, Limits, SpawnRequest, ZygoteRequest
from tule.compute.spawning import INSIDE, RAPID_ROOT, Spawner, close_all

FIRST_UID, UIDS = 1_900_000_000, 65_536
TASK_ROOT, OPT_ROOT = "/var/task", "/opt"
HOST_READABLE = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys/devices/system/cpu", "/dev")
PARKED_TMP_MB = 512
REMOVE_RETRY_S = 0.02
CONTROL_FD = 3


@dataclass(slots=True, eq=False)
class Sandbox:
    """`ended` is the wait status of the runtime's process, or None when the whole sandbox was killed."""

    id: str
    agent: Channel
    log: LogPipe
    group: Group | None
    features: Features
    control: socket.socket | None
    ended: asyncio.Future[int | None]
    limits: Limits
    pidfd: int = -1
    sockets: dict[str, socket.socket] = field(default_factory=dict[str, socket.socket])
    addresses: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    task_root: str = TASK_ROOT
    opt_root: str = OPT_ROOT
    frozen: bool = False
    mounted: asyncio.Future[None] | None = None
    follower: asyncio.Task[None] | None = None
    on_gone: Callable[[], None] | None = None

    def freeze(self) -> None:
        """No process inside runs any more; a group does it at once, else the first process sends signals."""
        if not self.frozen and not self.ended.done():
            self.frozen = True
            if self.group is not None and self.group.can_freeze:
                self.group.freeze()
            else:
                self._order({"op": "freeze"})

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            if self.group is not None and self.group.can_freeze:
                self.group.thaw()
            else:
                self._order({"op": "thaw"})

    def _order(self, message: Mapping[str, Any]) -> None:
        with suppress(ChannelClosed):
            self.agent.send(message)

    def kill(self) -> None:
        """Everything inside ends; returns at once."""
        if self.group is not None:
            self.group.kill()
        if self.features.pid and self.pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        else:
            self._order({"op": "kill"})

    async def follow(self) -> None:
        """Listen to the first process until it is gone."""
        while True:
            try:
                message, fds = await self.agent.receive()
            except ChannelClosed:
                break
            close_all(fds)
            if "mounted" in message and self.mounted is not None and not self.mounted.done():
                self.mounted.set_result(None)
            elif "status" in message and not self.ended.done():
                self.ended.set_result(message["status"])
        if not self.ended.done():
            self.ended.set_result(None)
        if self.mounted is not None and not self.mounted.done():
            self.mounted.set_exception(FunctionUnavailable("the sandbox ended while its code was mounted"))
            self.mounted.exception()
        self._leave()

    def _leave(self) -> None:
        self.kill()
        self.log.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        if self.group is not None:
            self._remove_group(self.group)
        if self.on_gone is not None:
            self.on_gone()

    def _remove_group(self, group: Group) -> None:
        if not group.remove():
            asyncio.get_running_loop().call_later(REMOVE_RETRY_S, self._remove_group, group)


class Sandboxes:
    """Starts sandboxes."""

    def __init__(self, features: Features, hierarchies: Hierarchies, spawner: Spawner, now_ms: Callable[[], int]) -> None:
        self._features = features
        self._hierarchies = hierarchies
        self._spawner = spawner
        self._now_ms = now_ms
        self._next_uid = 0
        self.alive: set[Sandbox] = set()

    async def start(self, name: str, launch: Launch, listeners: Sequence[ListenerSpec], function: FunctionSpec | None) -> Sandbox:
        """A sandbox whose runtime waits for its code (see `let_code_in`).  Raises FunctionUnavailable."""
        interpreter = launch.interpreter if isinstance(launch, ZygoteRequest) else None
        zygote = await self._spawner.zygote(interpreter, launch.sdk_path if isinstance(launch, ZygoteRequest) else None)
        loop = asyncio.get_running_loop()
        group = Group(self._hierarchies, name) if self._hierarchies.parents() else None
        agent, agent_end = Channel.pair(loop)
        ours, theirs = _control_pair(launch)
        limits = launch.limits if isinstance(launch, SpawnRequest) else Limits()
        log = LogPipe(loop, self._now_ms)
        sandbox = Sandbox(name, agent, log, group, self._features, ours, loop.create_future(), limits)
        doors = list(group.doors()) if group else []
        given: dict[str, int] = {"agent": agent_end.fileno(), "log": log.write_end}
        given |= {f"group:{index}": fd for index, fd in enumerate(doors)}
        if theirs is not None:
            given["control" if isinstance(launch, ZygoteRequest) else f"fd:{CONTROL_FD}"] = theirs.fileno()
        if isinstance(launch, SpawnRequest):
            given |= {f"fd:{number}": fd for number, fd in launch.fds.items()}
        try:
            inside = [each for each in listeners if self._features.net or not each.needs_namespace]
            zygote.fork(self._fork_order(launch, inside, function, list(given), sandbox), list(given.values()))
        except ChannelClosed as error:
            agent.close()
            raise FunctionUnavailable("the fork server ended") from error
        finally:
            close_all(doors)
            agent_end.close()
            log.close_write_end()
            if theirs is not None:
                theirs.close()
        await self._meet(sandbox, inside)
        return sandbox

    async def _meet(self, sandbox: Sandbox, listeners: Sequence[ListenerSpec]) -> None:
        try:
            _, fds = await sandbox.agent.receive()
        except ChannelClosed as error:
            sandbox.log.drain()
            said = " ".join(line.text for line in sandbox.log.take()).strip()
            sandbox.log.close()
            if sandbox.group is not None:
                sandbox.group.remove()
            raise FunctionUnavailable(f"the sandbox could not be built: {said}") from error
        if self._features.pidfd:
            sandbox.pidfd = fds.pop(0)
        for spec, fd in zip(listeners, fds, strict=True):
            sock = socket.socket(fileno=fd)
            sandbox.sockets[spec.name] = sock
            sandbox.addresses[spec.name] = sock.getsockname()
        self.alive.add(sandbox)
        sandbox.on_gone = lambda: self.alive.discard(sandbox)
        sandbox.follower = asyncio.get_running_loop().create_task(sandbox.follow())

    def _fork_order(
        self, launch: Launch, listeners: Sequence[ListenerSpec], function: FunctionSpec | None, fds: list[str], sandbox: Sandbox
    ) -> dict[str, Any]:
        rooted = self._features.mount
        limits = sandbox.limits
        if not rooted and function is not None:
            sandbox.task_root = str(function.code)
            sandbox.opt_root = str(merged(function.layers, self._spawner.directory))
        uid = self._uid()
        no_group = self._hierarchies.memory is None
        order: dict[str, Any] = {
            "fds": fds,
            "uid": uid,
            "gid": uid,
            "tmp_mb": function.tmp_mb if function else PARKED_TMP_MB,
            "open_files": limits.open_files,
            "address_mb": limits.memory_mb * 4 if no_group and function else 0,
            "processes": limits.processes if self._hierarchies.pids is None and (self._features.inner_user or uid) else 0,
            "readable": ["/"] if rooted else self._host_readable(launch, sandbox),
            "writable": ["/tmp"] if rooted else ["/tmp", "/var/tmp"],
            "listeners": [
                {
                    "kind": each.kind,
                    "address": each.address,
                    "port": each.port if self._features.net else 0,
                    "options": each.options,
                    "redirect": each.redirect,
                }
                for each in listeners
            ],
        }
        if isinstance(launch, SpawnRequest):
            order |= {"argv": self._arguments(launch), "env": dict(launch.env), "cwd": launch.cwd, "late": not launch.control}
            if launch.control:
                order["env"]["TULE_CONTROL_FD"] = str(CONTROL_FD)
        return order

    def _arguments(self, launch: SpawnRequest) -> list[str]:
        """Programs of our own are named by their host path, and found where the zygote's root shows them."""
        own, shown = str(INSIDE), f"{RAPID_ROOT}/inside"
        return [each.replace(own, shown, 1) if self._features.mount and each.startswith(own) else each for each in launch.argv]

    def _host_readable(self, launch: Launch, sandbox: Sandbox) -> list[str]:
        paths = [*HOST_READABLE, sandbox.task_root, sandbox.opt_root]
        if isinstance(launch, ZygoteRequest):
            paths += [str(prefix) for prefix in launch.interpreter.prefixes]
            paths += [str(launch.sdk_path)] if launch.sdk_path else []
        else:
            paths += [str(INSIDE), *(str(mount.source) for mount in launch.mounts), *map(str, self._spawner.prefixes)]
        return paths

    def _uid(self) -> int:
        if not self._features.unique_uids:
            return 0
        self._next_uid = (self._next_uid + 1) % UIDS
        return FIRST_UID + self._next_uid

    async def let_code_in(self, sandbox: Sandbox, launch: Launch, function: FunctionSpec, environment: Mapping[str, str]) -> None:
        """Mount the function's code, layers and the launch's own mounts; a program that was not parked starts then, with
        `environment`.  Raises FunctionUnavailable."""
        targets: list[str] = []
        fds: list[int] = []
        if self._features.mount:
            lists: list[Sequence[Path]] = [[function.code]]
            targets.append(TASK_ROOT)
            if function.layers:
                lists.append(function.layers if self._features.overlay else [merged(function.layers, self._spawner.directory)])
                targets.append(OPT_ROOT)
            for mount in launch.mounts if isinstance(launch, SpawnRequest) else ():
                lists.append([mount.source])
                targets.append(mount.target)
            fds = await self._spawner.trees(lists)
        sandbox.mounted = asyncio.get_running_loop().create_future()
        try:
            late = isinstance(launch, SpawnRequest) and not launch.control
            order = {"op": "code", "targets": targets, "tmp_mb": function.tmp_mb, "env": dict(environment) if late else {}}
            sandbox.agent.send(order, fds)
        except ChannelClosed as error:
            raise FunctionUnavailable("the sandbox ended before its code was mounted") from error
        finally:
            close_all(fds)
        await sandbox.mounted


def _control_pair(launch: Launch) -> tuple[socket.socket | None, socket.socket | None]:
    if isinstance(launch, SpawnRequest) and not launch.control:
        return None, None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    return ours, theirs
