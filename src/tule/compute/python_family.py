"""Python functions: forks of a zygote that speak frames over a socket pair (see inside/python_runtime.py)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tule.compute.answers import MAX_WHOLE, STREAMED
from tule.compute.compute import FunctionSpec
from tule.compute.inside import frames
from tule.compute.runtime_contract import Answer, InitFailed, Interpreter, Launch, Outcome, Request, ResponseTooLarge, Spawned, ZygoteRequest
from tule.compute.wrappers import invalid_entrypoint, unusable, wrapper_of

MAX_HEAD = 65_536


def _no_sdk(version: str) -> Path | None:
    del version
    return None


@dataclass(slots=True)
class PythonFamily:
    """`interpreter` finds what runs a runtime's name here, given the directories of code and layers where they are known; `sdk` the
    directory with boto3 for a version of Python."""

    interpreter: Callable[[str, Sequence[Path]], Interpreter]
    sdk: Callable[[str], Path | None] = _no_sdk
    parkable: bool = True

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        interpreter = self.interpreter(runtime, (function.code, *function.layers) if function is not None else ())
        return ZygoteRequest(interpreter, self.sdk(interpreter.version), wrapper_of(function))

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}", "PYTHONPATH": "/var/runtime"}

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> PythonLink:
        return PythonLink(function, spawned, loop)


class PythonLink:
    """Frames to and from one instance.  The instance is not trusted: lengths are checked before anything is kept."""

    renews = True

    def __init__(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> None:
        assert spawned.control is not None
        self._memory_kb = 0
        self._spawned = spawned
        self._unusable = unusable(function)
        self._version = function.runtime.removeprefix("python")
        self._sock: socket.socket = spawned.control
        self._loop = loop
        self._reader = FrameReader()

    async def initialize(self) -> None:
        if self._unusable:
            raise invalid_entrypoint(self._unusable)
        head = {"environment": dict(self._spawned.environment), "path": self._search_path()}
        kind, body = await self._ask(frames.pack(frames.INIT, head), None)
        if kind == frames.FAILED:
            raise InitFailed(str(json.loads(body)["errorType"]), body)

    async def invoke(self, request: Request, answer: Answer) -> Outcome:
        head = {
            "id": request.request_id,
            "deadline_ms": request.deadline_ms,
            "arn": request.function_arn,
            "client": request.client_context,
            "cognito": request.cognito_identity,
            "tenant": request.tenant,
            "trace": request.trace,
            "environment": dict(request.environment),
        }
        kind, body = await self._ask(frames.pack(frames.EVENT, head, request.payload), answer)
        return Outcome(body, "Unhandled" if kind == frames.FAULT else None, self._memory_kb)

    @property
    def settled(self) -> bool:
        return True  # it answers when all is done

    async def settle(self) -> None:
        return

    def close(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()

    async def _ask(self, raw: bytes, answer: Answer | None) -> tuple[bytes, bytes]:
        await self._send(raw)
        kind, head, body = await self._frame()
        while answer is not None and kind in (frames.STREAM, frames.PIECE):
            if kind == frames.STREAM:
                answer.begin(str(head.get("type") or STREAMED))
            else:
                await answer.write(body)
            kind, head, body = await self._frame()
        rss = head.get("rss_kb", 0)
        self._memory_kb = rss if isinstance(rss, int) else 0
        return kind, body

    async def _frame(self) -> tuple[bytes, dict[str, Any], bytes]:
        if (early := self._reader.next()) is not None:
            return early
        answer: asyncio.Future[tuple[bytes, dict[str, Any], bytes]] = self._loop.create_future()
        fileno = self._sock.fileno()

        def readable() -> None:
            try:
                frame = self._reader.read(self._sock)
            except ResponseTooLarge as error:
                answer.set_exception(error)
            except (ConnectionError, ValueError):
                self._loop.remove_reader(fileno)  # gone or talking nonsense: the supervisor sees the process end, or time out
                return
            else:
                if frame is None:
                    return
                answer.set_result(frame)
            self._loop.remove_reader(fileno)

        self._loop.add_reader(fileno, readable)
        try:
            return await answer
        finally:
            if not answer.done() or answer.cancelled():
                self._loop.remove_reader(fileno)

    async def _send(self, raw: bytes) -> None:
        try:
            sent = self._sock.send(raw)
            if sent < len(raw):
                await self._loop.sock_sendall(self._sock, memoryview(raw)[sent:])
        except BlockingIOError:
            await self._loop.sock_sendall(self._sock, raw)
        except (BrokenPipeError, ConnectionResetError):
            await self._loop.create_future()  # the process is gone: wait for the supervisor's cancellation

    def _search_path(self) -> list[str]:
        spawned = self._spawned
        opt = [f"{spawned.opt_root}/python/lib/python{self._version}/site-packages", f"{spawned.opt_root}/python"]
        return [spawned.task_root, *opt]


class FrameReader:
    """Puts frames together from what arrives; an answer above the limit is read and thrown away."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._skip = 0
        self._too_large = 0

    def read(self, sock: socket.socket) -> tuple[bytes, dict[str, Any], bytes] | None:
        """A frame when one is complete; others may be, see `next`.

        Raises ResponseTooLarge, ConnectionError, ValueError; BlockingIOError is swallowed.
        """
        try:
            chunk = sock.recv(262_144)
        except BlockingIOError:
            return None
        if not chunk:
            raise ConnectionResetError
        if self._skip:
            return self._skipped(chunk)
        self._data += chunk
        return self.next()

    def next(self) -> tuple[bytes, dict[str, Any], bytes] | None:
        """A frame out of what has arrived already.  Raises ResponseTooLarge, ValueError."""
        data = self._data
        if len(data) < frames.PREFIX.size:
            return None
        kind, head_size, body_size = frames.PREFIX.unpack_from(data)
        if head_size > MAX_HEAD:
            raise ValueError("head too long")
        total = frames.PREFIX.size + head_size + body_size
        if body_size > MAX_WHOLE:
            self._skip, self._too_large = total - len(data), body_size
            data.clear()
            return self._skipped(b"")
        if len(data) < total:
            return None
        start = frames.PREFIX.size + head_size
        head = json.loads(data[frames.PREFIX.size : start])
        body = bytes(data[start:total])
        del data[:total]
        return kind, head, body

    def _skipped(self, chunk: bytes) -> None:
        self._skip -= len(chunk)
        if self._skip <= 0:
            self._skip = 0
            raise ResponseTooLarge(self._too_large)
