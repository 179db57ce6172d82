"""One JSON line a request, written in batches so that a request never waits for the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

import orjson

from tule.platform.call import Call
from tule.wire.http import Request, Response

FLUSH_S = 0.5
ROTATE_BYTES = 64 * 1024 * 1024


class AccessLogFile:
    """`access.log`, and one older `access.log.1` once it has grown to 64 MiB."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("ab")
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def record(self, request: Request, response: Response, call: Call | None, took_s: float) -> None:
        line = {
            "status": response.status,
            "method": request.method,
            "path": request.path,
            "ms": round(took_s * 1000, 3),
            "source": request.source_ip,
        }
        if call is not None:
            line |= {"id": call.id, "at_ms": call.now_ms, "call": f"{call.service}.{call.operation}", "principal": call.principal.arn}
        self._lines.append(orjson.dumps(line))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._timer = None
        if self._lines:
            self._file.write(b"\n".join(self._lines) + b"\n")
            self._file.flush()
            self._lines.clear()
            if self._file.tell() > ROTATE_BYTES:
                self._file.close()
                self._path.rename(self._path.with_name("access.log.1"))
                self._file = self._path.open("ab")
