"""One sandbox, as the node holds it: the first process, its log, its groups, its listeners; and how one is started and ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tule.compute.cgroups import Group, Hierarchies
from tule.compute.channel import Channel, ChannelClosed
from tule.compute.compute import FunctionSpec, FunctionUnavailable
from tule.compute.inside import processes
from tule.compute.layers import merged
from tule.compute.log_pipe import LogPipe
from tule.compute.network_contract import ListenerSpec
from tule.compute.probe import Features
from tule.compute.runtime_contract import Launch, Limits, Mount, SpawnRequest, ZygoteRequest
from tule.compute.spawning import INSIDE, RAPID_ROOT, Spawner, Zygote, close_all

FIRST_UID, UIDS = 1_900_000_000, 65_536
TASK_ROOT, OPT_ROOT = "/var/task", "/opt"
HOST_READABLE = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys/devices/system/cpu", "/dev")
PARKED_TMP_MB = 512
REMOVE_RETRY_S = 0.02
CONTROL_FD = 3
_numbers = itertools.count(1)
DATA_PER_MEMORY = 4  # address space is not memory: threads' stacks and buffers count in full


class Sandbox:
    """`ended` is the wait status of the runtime's process, or None when it was killed with everything else."""

    def __init__(self, name: str, features: Features, group: Group | None, log: LogPipe, limits: Limits) -> None:
        loop = asyncio.get_running_loop()
        self.id = name
        self.features = features
        self.group = group
        self.log = log
        self.limits = limits
        self.control: socket.socket | None = None
        self.sockets: dict[str, socket.socket] = {}
        self.addresses: dict[str, tuple[str, int]] = {}
        self.task_root, self.opt_root = TASK_ROOT, OPT_ROOT
        self.tmp_mb = PARKED_TMP_MB
        self.launch: Launch | None = None
        self.late_start = False  # the program is executed once its code is there
        self.late: Channel | None = None
        self.zygote: Zygote | None = None
        self.function_key = ""  # empty while it is parked, and the sockets are still ours
        self.ended: asyncio.Future[int | None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.started: asyncio.Future[None] = loop.create_future()
        self._mounted: asyncio.Future[None] = loop.create_future()
        self.roots: tuple[int, ...] = ()  # the first process and the runtime; without a namespace, the keeper
        self.rights: dict[str, Any] = {}  # what programs inside may do
        self.companions: dict[str, Companion] = {}
        self._pidfd = -1
        self._killed = False
        self.frozen = False

    def on_started(self, pid: int, pidfds: list[int]) -> None:
        """`pidfds` are the first process and the runtime, where the host has such descriptors; `pid` is the zygote's word for it."""
        self.roots = tuple(_process_id(fd) for fd in pidfds) or (pid,)
        if pidfds:
            self._pidfd = pidfds[0]
            close_all(pidfds[1:])
        self.started.set_result(None)
        if self._killed:
            self._send_kill()

    def on_mounted(self, error: str) -> None:
        if self._mounted.done():
            return
        if error:
            self._mounted.set_exception(FunctionUnavailable(f"the code cannot be mounted: {error}"))
        else:
            self._mounted.set_result(None)

    def on_ended(self, status: int | None) -> None:
        self.log.drain()
        self.ended.set_result(None if self._killed else status)
        if not self.started.done():
            self.started.set_result(None)
        if not self._mounted.done():
            self._mounted.set_exception(FunctionUnavailable("the sandbox ended while its code was mounted"))
            self._mounted.exception()
        self._bury()

    def on_companion_ended(self) -> None:
        if self.ended.done():
            self._bury()

    @property
    def _accompanied(self) -> bool:
        return any(not each.ended.done() for each in self.companions.values())

    def _bury(self) -> None:
        """Once the runtime has ended, and so have its companions: they may outlive it until the sandbox is killed."""
        if self._accompanied:
            return
        self.kill()
        self.log.close()
        if not self.function_key:
            self._close_sockets()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        self._remove_group()

    def let_start(self, environment: Mapping[str, str]) -> None:
        """A program that was not parked is executed now."""
        if self.late is not None:
            with suppress(ChannelClosed):
                self.late.send({"env": dict(environment)})
            self.late.close()
            self.late = None

    def _close_sockets(self) -> None:
        """Nobody had taken them over."""
        for sock in (self.control, *self.sockets.values()):
            if sock is not None:
                sock.close()

    async def mounted(self) -> None:
        await asyncio.shield(self._mounted)

    def freeze(self) -> None:
        """No process inside runs any more: by its group, else by signals."""
        if not self.frozen and not self.ended.done():
            self.frozen = True
            if self.group is not None and self.group.can_freeze:
                self.group.freeze()
            else:
                processes.signal_tree(self._stoppable(), signal.SIGSTOP)

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            if self.group is not None and self.group.can_freeze:
                self.group.thaw()
            else:
                processes.signal_tree(self._stoppable(), signal.SIGCONT)

    def _stoppable(self) -> tuple[int, ...]:
        """The runtime, its companions and all beneath; without a process namespace, what is beneath keepers."""
        tops = [*self.roots, *(each.pid for each in self.companions.values() if each.pid)]
        return tuple(tops) if self.features.pid else tuple(pid for top in tops for pid in processes.descendants(top))

    def limit_data(self, size_mb: int) -> None:
        """Without a group for memory: so much more than the runtime has now; what it cannot have is a MemoryError."""
        with suppress(OSError, AttributeError, IndexError):  # the process is gone, or the host (macOS) has no such limit
            runtime = self.roots[-1] if self.features.pid else processes.descendants(self.roots[0])[0]
            status = Path(f"/proc/{runtime}/status").read_text()
            now_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
            limit = (now_kb << 10) + (size_mb << 20)
            resource.prlimit(runtime, resource.RLIMIT_DATA, (limit, limit))

    def kill(self) -> None:
        """Everything inside ends; returns at once."""
        self._killed = True
        if self.group is not None:
            self.group.kill()
        if self.roots:
            self._send_kill()
        for each in self.companions.values():
            each.kill()

    def signal_runtime(self, number: signal.Signals) -> None:
        """To its process alone."""
        with suppress(ProcessLookupError, IndexError):
            if not self.ended.done():
                os.kill(self.roots[-1] if self.features.pid else processes.descendants(self.roots[0])[0], number)

    async def socket(self) -> socket.socket:
        """A TCP socket that connects to what listens inside.  Raises OSError."""
        if not self.features.net:
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        assert self.zygote is not None
        process = self.process_descriptor()
        try:
            return await self.zygote.socket(f"{self.id}/socket-{next(_numbers)}", process)
        finally:
            os.close(process)

    def process_descriptor(self) -> int:
        """A pidfd of some process inside, which the caller closes.  Raises OSError."""
        if not self.ended.done():
            return os.pidfd_open(self.roots[-1])
        for each in self.companions.values():
            if each.pid and not each.ended.done():
                return os.pidfd_open(each.pid)
        raise ProcessLookupError("nothing runs inside any more")

    def _send_kill(self) -> None:
        """The first process takes its namespace with it; without one, the keeper ends all beneath it."""
        with suppress(ProcessLookupError):
            if not self.features.pid:
                if not self.ended.done():
                    os.kill(self.roots[0], signal.SIGTERM)
            elif self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _remove_group(self) -> None:
        if self.group is None or self.group.remove():
            if not self.gone.done():
                self.gone.set_result(None)
        else:
            asyncio.get_running_loop().call_later(REMOVE_RETRY_S, self._remove_group)


class Companion:
    """A program beside the runtime: an extension.  `ended` is its wait status."""

    def __init__(self, sandbox: Sandbox, log: LogPipe) -> None:
        self.pid = 0
        self.log = log
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._sandbox = sandbox
        self._pidfd = -1

    def on_started(self, pid: int, pidfds: list[int]) -> None:
        self.pid = _process_id(pidfds[0]) if pidfds else pid
        self._pidfd = pidfds[0] if pidfds else -1

    def on_mounted(self, error: str) -> None:
        raise AssertionError(error)  # nothing is mounted for it alone

    def on_ended(self, status: int | None) -> None:
        self.log.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        self.ended.set_result(status)
        self._sandbox.on_companion_ended()

    def send(self, number: signal.Signals) -> None:
        """To the program itself, which has a keeper above it where there is no process namespace."""
        with suppress(ProcessLookupError, IndexError):
            if self.pid and not self.ended.done():
                os.kill(self.pid if self._sandbox.features.pid else processes.descendants(self.pid)[0], number)

    def kill(self) -> None:
        """With all beneath it; a keeper sees to that when it is told to end."""
        with suppress(ProcessLookupError):
            if self.pid and not self.ended.done():
                os.kill(self.pid, signal.SIGKILL if self._sandbox.features.pid else signal.SIGTERM)


def _process_id(pidfd: int) -> int:
    """In our own process namespace, which need not be the zygote's."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1


class Sandboxes:
    """Starts sandboxes."""

    def __init__(self, features: Features, hierarchies: Hierarchies, spawner: Spawner, now_ms: Callable[[], int]) -> None:
        self._features = features
        self._hierarchies = hierarchies
        self._spawner = spawner
        self._now_ms = now_ms
        self._next_uid = 0
        self.alive: set[Sandbox] = set()

    def accompany(self, sandbox: Sandbox, name: str, path: str, environment: Mapping[str, str]) -> Companion:
        """Start the program at `path` inside (`/opt/extensions/...`) beside the runtime.  Raises FunctionUnavailable, OSError."""
        assert sandbox.zygote is not None
        log = LogPipe(asyncio.get_running_loop(), self._now_ms, sandbox.log)
        companion = sandbox.companions[name] = Companion(sandbox, log)
        doors = list(sandbox.group.doors()) if sandbox.group else []
        runtime = [sandbox.process_descriptor()] if self._features.pid else []
        given = {"runtime": runtime[0]} if runtime else {}
        given |= {"log": log.write_end, **{f"group:{index}": fd for index, fd in enumerate(doors)}}
        program = _shown(path, sandbox)
        order = sandbox.rights | {"fds": list(given), "argv": [program], "env": dict(environment), "cwd": "/"}
        try:
            sandbox.zygote.join(f"{sandbox.id}/{name}", order, list(given.values()), companion)
        except BaseException:
            companion.on_ended(None)
            raise
        finally:
            close_all([*doors, *runtime])
            log.close_write_end()
        return companion

    async def start(self, name: str, launch: Launch, listeners: Sequence[ListenerSpec], function: FunctionSpec | None) -> Sandbox:
        """A sandbox whose runtime waits for its code (see `let_code_in`).  Raises FunctionUnavailable."""
        by_fork = isinstance(launch, ZygoteRequest)
        zygote = await self._spawner.zygote(launch.interpreter if by_fork else None, launch.sdk_path if by_fork else None)
        loop = asyncio.get_running_loop()
        group = Group(self._hierarchies, name) if self._hierarchies.parents() else None
        limits = launch.limits if isinstance(launch, SpawnRequest) else Limits()
        if group is not None:
            group.limit_processes(limits.processes)
        sandbox = Sandbox(name, self._features, group, LogPipe(loop, self._now_ms), limits)
        sandbox.zygote, sandbox.launch = zygote, launch
        agent, agent_end = Channel.pair(loop)
        sandbox.control, control_end = _control_pair(launch)
        doors = list(group.doors()) if group else []
        given: dict[str, int] = {"agent": agent_end.fileno(), "log": sandbox.log.write_end}
        given |= {f"group:{index}": fd for index, fd in enumerate(doors)}
        if control_end is not None:
            given["control" if by_fork and not launch.wrapper else f"fd:{CONTROL_FD}"] = control_end.fileno()
        if isinstance(launch, SpawnRequest):
            given |= {f"fd:{number}": fd for number, fd in launch.fds.items()}
        inside = [each for each in listeners if self._features.net or not each.needs_namespace]
        try:
            zygote.fork(name, self._fork_order(launch, inside, function, list(given), sandbox), list(given.values()), sandbox)
        except FunctionUnavailable:
            agent.close()
            sandbox.on_ended(None)
            raise
        finally:
            close_all(doors)
            agent_end.close()
            sandbox.log.close_write_end()
            if control_end is not None:
                control_end.close()
        self.alive.add(sandbox)
        sandbox.gone.add_done_callback(lambda _: self.alive.discard(sandbox))
        await self._meet(sandbox, agent, inside)
        return sandbox

    async def _meet(self, sandbox: Sandbox, agent: Channel, listeners: Sequence[ListenerSpec]) -> None:
        try:
            _, fds = await agent.receive()
            await sandbox.started
        except ChannelClosed as error:
            sandbox.kill()
            await sandbox.ended
            said = " ".join(line.text for line in sandbox.log.take()).strip()
            raise FunctionUnavailable(f"the sandbox could not be built: {said}") from error
        except BaseException:
            sandbox.kill()
            raise
        for spec, fd in zip(listeners, fds, strict=True):
            sock = socket.socket(fileno=fd)
            sandbox.sockets[spec.name] = sock
            sandbox.addresses[spec.name] = sock.getsockname()
        if sandbox.late_start:
            sandbox.late = agent
        else:
            agent.close()

    def _fork_order(
        self, launch: Launch, listeners: Sequence[ListenerSpec], function: FunctionSpec | None, fds: list[str], sandbox: Sandbox
    ) -> dict[str, Any]:
        rooted = self._features.mount
        limits = sandbox.limits
        if not rooted and function is not None:
            sandbox.task_root = str(function.code)
            sandbox.opt_root = str(merged(function.layers, self._spawner.directory))
        sandbox.tmp_mb = function.tmp_mb if function else PARKED_TMP_MB
        sandbox.late_start = bool(launch.wrapper) or (isinstance(launch, SpawnRequest) and not launch.control)
        uid = self._uid()
        sandbox.rights = {
            "uid": uid,
            "gid": uid,
            "open_files": limits.open_files,
            "file_mb": 0 if rooted else sandbox.tmp_mb,
            "processes": limits.processes if self._hierarchies.pids is None and (self._features.inner_user or uid) else 0,
            "readable": ["/"] if rooted else self._host_readable(launch, sandbox),
            "writable": ["/tmp"] if rooted else ["/tmp", "/var/tmp"],
        }
        order: dict[str, Any] = {
            **sandbox.rights,
            "fds": fds,
            "patient": function is None,
            "late": sandbox.late_start,
            "tmp_mb": sandbox.tmp_mb,
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
            order |= {"argv": self._arguments(launch, sandbox), "env": dict(launch.env), "cwd": _shown(launch.cwd, sandbox)}
        elif launch.wrapper:
            order |= self._anew(sandbox)
        if launch.wrapper:
            order["argv"] = [_shown(launch.wrapper, sandbox), *order["argv"]]
            order["env"]["TULE_WRAPPED"] = "1"
        if sandbox.control is not None and "env" in order:
            order["env"]["TULE_CONTROL_FD"] = str(CONTROL_FD)
        return order

    def _anew(self, sandbox: Sandbox) -> dict[str, Any]:
        """What starts the zygote's own interpreter with the runtime that its forks are."""
        assert sandbox.zygote is not None
        place = sandbox.zygote.place
        return {
            "argv": [place.executable, f"{place.inside}/wrapped.py"],
            "env": {"TULE_SDK_PATH": ":".join(place.path)},
            "cwd": sandbox.task_root,
        }

    def _arguments(self, launch: SpawnRequest, sandbox: Sandbox) -> list[str]:
        """Programs of our own are named by their host path, and found where the zygote's root shows them; the function's by
        their path inside, which without a root is a host path."""
        own, shown = str(INSIDE), f"{RAPID_ROOT}/inside"
        if not self._features.mount:
            return [_unmounted(_shown(each, sandbox), launch.mounts) for each in launch.argv]
        return [each.replace(own, shown, 1) if each.startswith(own) else each for each in launch.argv]

    def _host_readable(self, launch: Launch, sandbox: Sandbox) -> list[str]:
        paths = [*HOST_READABLE, sandbox.task_root, sandbox.opt_root]
        if isinstance(launch, ZygoteRequest):
            paths += [str(prefix) for prefix in launch.interpreter.prefixes]
            paths += [str(launch.sdk_path)] if launch.sdk_path else []
            paths += [str(INSIDE)] if launch.wrapper else []
        else:
            paths += [str(INSIDE), *(str(mount.source) for mount in launch.mounts), *map(str, self._spawner.prefixes())]
        return paths

    def _uid(self) -> int:
        if not self._features.unique_uids:
            return 0
        self._next_uid = (self._next_uid + 1) % UIDS
        return FIRST_UID + self._next_uid

    async def let_code_in(self, sandbox: Sandbox, launch: Launch, function: FunctionSpec) -> None:
        """Mount the function's code, layers and the launch's own mounts.  Raises FunctionUnavailable."""
        if self._features.mount:
            await self._mount(sandbox, launch, function)
        if self._hierarchies.memory is None and isinstance(launch, ZygoteRequest):
            sandbox.limit_data(function.memory_mb * DATA_PER_MEMORY)

    async def _mount(self, sandbox: Sandbox, launch: Launch, function: FunctionSpec) -> None:
        lists: list[Sequence[Path]] = [[function.code]]
        targets = [TASK_ROOT]
        if function.layers:
            lists.append(function.layers if self._features.overlay else [merged(function.layers, self._spawner.directory)])
            targets.append(OPT_ROOT)
        for mount in launch.mounts if isinstance(launch, SpawnRequest) else ():
            lists.append([mount.source])
            targets.append(mount.target)
        fds = await self._spawner.trees(lists)
        assert sandbox.zygote is not None
        try:
            sandbox.zygote.let_code_in(sandbox.id, targets, function.tmp_mb if function.tmp_mb != sandbox.tmp_mb else 0, fds)
        finally:
            close_all(fds)
        await sandbox.mounted()


def _shown(path: str, sandbox: Sandbox) -> str:
    """Where the sandbox finds what the contract calls `/var/task/...` or `/opt/...`."""
    for inside, root in ((TASK_ROOT, sandbox.task_root), (OPT_ROOT, sandbox.opt_root)):
        if path == inside or path.startswith(f"{inside}/"):
            return root + path[len(inside) :]
    return path


def _unmounted(path: str, mounts: Sequence[Mount]) -> str:
    """Where something is that would be mounted."""
    for mount in mounts:
        if path.startswith(f"{mount.target}/"):
            return str(mount.source) + path[len(mount.target) :]
    return path


def _control_pair(launch: Launch) -> tuple[socket.socket | None, socket.socket | None]:
    if isinstance(launch, SpawnRequest) and not launch.control:
        return None, None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    return ours, theirs
