"""What an instance writes: lines of stdout and stderr, and framed records, read from one pipe."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from tule.compute.inside.python_logging import MAGIC, RECORD

READ_SIZE = 65_536
MAX_LINE = 262_144  # AWS: a log event of CloudWatch Logs


class LogPipe:
    """Calls `line` with each complete line or record, as it arrives."""

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Callable[[str], None]) -> None:
        self._loop = loop
        self._line = line
        self._data = bytearray()
        self._fd, self.write_end = os.pipe()
        os.set_blocking(self._fd, False)
        loop.add_reader(self._fd, self._readable)

    def drain(self) -> None:
        """Take what has been written by now; an unfinished line stays."""
        while self._readable():
            pass

    def close(self) -> None:
        if self._fd < 0:
            return
        self.drain()
        if self._data:
            self._line(self._data.decode("utf-8", "replace"))
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1

    def close_write_end(self) -> None:
        os.close(self.write_end)

    def _readable(self) -> bool:
        try:
            chunk = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return False
        if not chunk:
            self._loop.remove_reader(self._fd)
            return False
        self._data += chunk
        self._split()
        return len(chunk) == READ_SIZE

    def _split(self) -> None:
        data = self._data
        while data:
            if data.startswith(MAGIC):
                if len(data) < RECORD.size:
                    return
                end = RECORD.size + min(RECORD.unpack_from(data)[1], MAX_LINE)
                if len(data) < end:
                    return
                text = data[RECORD.size : end]
            else:
                magic = data.find(MAGIC)
                end = data.find(b"\n", 0, magic if magic > 0 else len(data)) + 1
                if end == 0:
                    end = magic if magic > 0 else MAX_LINE if len(data) >= MAX_LINE else 0
                if end == 0:
                    return
                text = data[:end]
            self._line(text.decode("utf-8", "replace"))
            del data[:end]
