"""The processes that instances are forked from: one spawner, and a zygote for each interpreter in use.  Started when first needed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from tule.compute.channel import Channel, ChannelClosed
from tule.compute.compute import FunctionUnavailable
from tule.compute.probe import INSIDE, Features
from tule.compute.runtime_contract import Interpreter, Mount

LANG_ROOT, SDK_ROOT, RAPID_ROOT = "/var/lang", "/var/runtime", "/var/rapid"
ZYGOTE_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC", "LD_LIBRARY_PATH": "/var/lang/lib"}
START_TIMEOUT_S = 30.0
SDK_MODULES = ("urllib3", "botocore.awsrequest", "botocore.httpsession", "botocore.credentials", "botocore.session", "boto3.session", "boto3")
"""Loaded ahead in this order, so that none takes long."""

DIRECTORY = "tule-compute-"


class Spawner:
    """Starts zygotes and answers for code mounts."""

    def __init__(self, features: Features, files: Mapping[str, bytes], prefixes: Callable[[], Sequence[Path]] = tuple) -> None:
        """`files` are laid into every root; `prefixes` are directories outside /usr that programs of SpawnRequests need."""
        self._features = features
        self.prefixes = prefixes
        self._files = {path: base64.b64encode(data).decode() for path, data in files.items()}
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._zygotes: dict[tuple[object, ...], asyncio.Task[Zygote]] = {}
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[list[int]]] = {}
        self._reader: asyncio.Task[None] | None = None

    @property
    def directory(self) -> Path:
        """A directory of ours for as long as the spawner lives."""
        if self._directory is None:
            _sweep_directories()
            self._directory = tempfile.TemporaryDirectory(prefix=f"{DIRECTORY}{os.getpid()}-")
        return Path(self._directory.name)

    def _start(self) -> Channel:
        if self._channel is None or self._channel.closed:
            loop = asyncio.get_running_loop()
            self._channel, theirs = Channel.pair(loop)
            settings = json.dumps({"features": self._features.inside()})
            command = [sys.executable, "-I", "-S", str(INSIDE), "spawner", settings, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=ZYGOTE_ENVIRONMENT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            theirs.close()
            self._reader = loop.create_task(self._read(self._channel))
        return self._channel

    async def _read(self, channel: Channel) -> None:
        while True:
            try:
                message, fds = await channel.receive()
            except ChannelClosed:
                for waiter in self._waiting.values():
                    waiter.set_exception(FunctionUnavailable("the spawner ended"))
                self._waiting.clear()
                return
            waiter = self._waiting.pop(message["id"])
            if waiter.done():
                close_all(fds)
            elif "error" in message:
                waiter.set_exception(FunctionUnavailable(f"the code cannot be mounted: {message['error']}"))
            else:
                waiter.set_result(fds)

    def trees(self, directories: Sequence[Sequence[Path]]) -> asyncio.Future[list[int]]:
        """Detached read-only mounts, one for each list of directories (the lowest first).  Raises FunctionUnavailable."""
        channel = self._start()
        number = next(self._ids)
        waiter: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        channel.send({"op": "trees", "id": number, "trees": [[str(each) for each in lower] for lower in directories]})
        return waiter

    async def zygote(self, interpreter: Interpreter | None, sdk_path: Path | None) -> Zygote:
        """The fork server of this interpreter; without one, a light one that executes programs.  Raises FunctionUnavailable."""
        chosen = interpreter or own_interpreter()
        prefixes = () if interpreter else tuple(self.prefixes())  # there are more when an interpreter was installed
        key = (chosen.executable if interpreter else None, sdk_path, *prefixes)
        task = self._zygotes.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None or task.result().closed)):
            place = Place(self._features.mount, chosen, sdk_path, LANG_ROOT if interpreter else RAPID_ROOT + "/lang")
            if interpreter is None and self._features.mount:
                place.mounts += [Mount(prefix, str(prefix)) for prefix in prefixes]
            task = self._zygotes[key] = asyncio.get_running_loop().create_task(self._start_zygote(place, bool(sdk_path)))
        return await asyncio.shield(task)

    async def _start_zygote(self, place: Place, with_sdk: bool) -> Zygote:
        spawner = self._start()
        channel, theirs = Channel.pair(asyncio.get_running_loop())
        settings = {"features": self._features.inside(), "preload": SDK_MODULES if with_sdk else [], "path": place.path}
        order: dict[str, Any] = {
            "op": "zygote",
            "root": str(self.directory),
            "binds": [[str(mount.source), mount.target] for mount in place.mounts],
            "argv": [place.executable, "-I", place.inside, "zygote", json.dumps(settings)],
            "env": ZYGOTE_ENVIRONMENT if self._features.mount else ZYGOTE_ENVIRONMENT | {"LD_LIBRARY_PATH": ""},
        }
        files = [_in_memory(json.dumps(self._files).encode())] if self._features.mount else []  # trust stores are larger than a packet
        try:
            spawner.send(order, [theirs.fileno(), *files])
        finally:
            close_all(files)
            theirs.close()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await channel.receive()
        except (ChannelClosed, TimeoutError) as error:
            channel.close()
            raise FunctionUnavailable(f"the fork server of {place.executable} did not start") from error
        return Zygote(channel, place)

    async def stop(self) -> None:
        for task in self._zygotes.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
            task.cancel()
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
        if self._directory is not None:
            self._directory.cleanup()
        self._channel = self._process = self._directory = self._reader = None
        self._zygotes.clear()


class Follower(Protocol):
    """Who is told what becomes of one instance."""

    def on_started(self, pid: int, pidfds: list[int]) -> None: ...

    def on_mounted(self, error: str) -> None: ...

    def on_ended(self, status: int | None) -> None: ...


class Zygote:
    """A fork server, as the node sees it.  When it ends, all that it forked has ended."""

    def __init__(self, channel: Channel, place: Place) -> None:
        self.place = place
        self._channel = channel
        self._followers: dict[str, Follower] = {}
        self._sockets: dict[str, asyncio.Future[socket.socket]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @property
    def closed(self) -> bool:
        return self._channel.closed

    def fork(self, name: str, order: Mapping[str, Any], fds: Sequence[int], follower: Follower) -> None:
        """Raises FunctionUnavailable."""
        self._start("fork", name, order, fds, follower)

    def join(self, name: str, order: Mapping[str, Any], fds: Sequence[int], follower: Follower) -> None:
        """Start a program beside the runtime of an instance, whose descriptor is the first of `fds`.  Raises FunctionUnavailable."""
        self._start("join", name, order, fds, follower)

    async def socket(self, name: str, runtime: int) -> socket.socket:
        """A TCP socket that is in the network of the instance with this runtime.  Raises OSError."""
        waiting: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        self._sockets[name] = waiting
        try:
            self._channel.send({"op": "socket", "id": name}, [runtime])
            return await waiting
        except ChannelClosed as error:
            raise OSError("the fork server ended") from error
        finally:
            del self._sockets[name]

    def _start(self, how: str, name: str, order: Mapping[str, Any], fds: Sequence[int], follower: Follower) -> None:
        self._followers[name] = follower
        try:
            self._channel.send({"op": how, "id": name, **order}, fds)
        except ChannelClosed as error:
            del self._followers[name]
            raise FunctionUnavailable("the fork server ended") from error

    def let_code_in(self, name: str, targets: Sequence[str], tmp_mb: int, fds: Sequence[int]) -> None:
        """Raises FunctionUnavailable."""
        try:
            self._channel.send({"op": "code", "id": name, "targets": targets, "tmp_mb": tmp_mb}, fds)
        except ChannelClosed as error:
            raise FunctionUnavailable("the fork server ended") from error

    async def _read(self) -> None:
        try:
            while True:
                message, fds = await self._channel.receive()
                if "started" in message:
                    self._followers[message["started"]].on_started(message["pid"], fds)
                elif "mounted" in message and message["mounted"] in self._followers:
                    self._followers[message["mounted"]].on_mounted(message.get("error", ""))
                elif "socket" in message:
                    self._give_socket(message, fds)
                elif "ended" in message and message["ended"] in self._followers:
                    self._followers.pop(message["ended"]).on_ended(message["status"])
        except ChannelClosed:
            for follower in self._followers.values():
                follower.on_ended(None)
            self._followers.clear()
            for waiting in self._sockets.values():
                waiting.set_exception(OSError("the fork server ended"))

    def _give_socket(self, message: Mapping[str, Any], fds: list[int]) -> None:
        waiting = self._sockets.get(message["socket"])
        if waiting is None or waiting.done():
            close_all(fds)
        elif fds:
            waiting.set_result(socket.socket(fileno=fds[0]))
        else:
            waiting.set_exception(OSError(message["error"]))

    def close(self) -> None:
        self._channel.close()


class Place:
    """Where an interpreter and the SDK are found by a zygote: in the skeleton root, or at their host paths without one."""

    def __init__(self, rooted: bool, interpreter: Interpreter, sdk_path: Path | None, lang_root: str) -> None:
        self.mounts: list[Mount] = []
        self.executable = str(interpreter.executable)
        self.inside = str(INSIDE)
        self.path = [str(sdk_path)] if sdk_path else []
        if not rooted:
            return
        self.inside = f"{RAPID_ROOT}/inside"
        self.mounts.append(Mount(INSIDE, self.inside))
        if sdk_path:
            self.mounts.append(Mount(sdk_path, SDK_ROOT))
            self.path = [SDK_ROOT]
        executable = interpreter.executable.resolve()
        for prefix in (each.resolve() for each in interpreter.prefixes):
            if prefix == Path("/usr"):
                self.executable = str(executable)
            elif executable.is_relative_to(prefix):
                self.mounts.append(Mount(prefix, lang_root))
                self.executable = f"{lang_root}/{executable.relative_to(prefix)}"
            else:
                self.mounts.append(Mount(prefix, str(prefix)))


def own_interpreter() -> Interpreter:
    """The interpreter that the node itself runs on."""
    base = Path(sys.base_prefix)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(version, base / "bin" / f"python{version}", (base,))


def _sweep_directories() -> None:
    """Those of nodes that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{DIRECTORY}*"):
        pid = left.name.removeprefix(DIRECTORY).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


def _in_memory(data: bytes) -> int:
    """A descriptor to read `data` from."""
    fd = os.memfd_create("tule-files")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
