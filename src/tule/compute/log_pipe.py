"""What an instance writes: lines of stdout and stderr, and framed records, read from one pipe.

A function that floods its log cannot hurt the node: what is kept of one invocation is limited, and beyond the limit the pipe is
emptied slowly, without looking at what is in it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from tule.compute.compute import LogLine
from tule.compute.inside.python_logging import MAGIC, RECORD

READ_SIZE = 65_536
MAX_LINE = 262_144  # AWS: a log event of CloudWatch Logs
MAX_KEPT = 6 << 20
MAX_LINES = 50_000
FLOOD_PAUSE_S = 0.002
TRUNCATED = f"[WARNING] The log of this invocation was truncated: it is longer than {MAX_KEPT >> 20} MB or {MAX_LINES} lines.\n"


class LogPipe:
    """Collects lines until they are taken; or lets another collect them, and share its limits, when it is given `into`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now_ms: Callable[[], int], into: LogPipe | None = None) -> None:
        self._loop = loop
        self._now_ms = now_ms
        self._into = into or self
        self.heard: Callable[[int, str], None] | None = None  # is told each line that was read, with its time
        self._data = bytearray()
        self._lines: list[LogLine] = []
        self._kept = 0
        self._pause: asyncio.TimerHandle | None = None
        self._fd, self.write_end = os.pipe()
        os.set_blocking(self._fd, False)
        loop.add_reader(self._fd, self._readable)

    def close_write_end(self) -> None:
        os.close(self.write_end)

    def add(self, text: str) -> None:
        """A line of the platform's own."""
        self._lines.append(LogLine(self._now_ms(), text))

    def prepend(self, lines: tuple[LogLine, ...]) -> None:
        """What an earlier try had to say."""
        self._lines[:0] = lines

    def take(self) -> tuple[LogLine, ...]:
        """The lines since the last time."""
        lines, self._lines, self._kept = tuple(self._lines), [], 0
        return lines

    def drain(self) -> None:
        """Take in what has been written by now; an unfinished line is a line when nothing more comes."""
        for _ in range(MAX_KEPT // READ_SIZE):
            if not self._read():
                break
        if self._data:
            self._keep(bytes(self._data))
            self._data.clear()

    def close(self) -> None:
        if self._fd < 0:
            return
        self.drain()
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1

    @property
    def _flooded(self) -> bool:
        into = self._into
        return into._kept >= MAX_KEPT or len(into._lines) >= MAX_LINES

    def _readable(self) -> None:
        self._read()
        if self._flooded and self._pause is None and self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._pause = self._loop.call_later(FLOOD_PAUSE_S, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._fd, self._readable)

    def _read(self) -> bool:
        """False when there is nothing more at the moment."""
        if self._fd < 0:
            return False
        try:
            chunk = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return False
        if not chunk:
            self._loop.remove_reader(self._fd)
            return False
        if not self._flooded:
            self._data += chunk
            self._split()
        return len(chunk) == READ_SIZE

    def _keep(self, raw: bytes | bytearray) -> None:
        line = LogLine(self._now_ms(), raw.decode("utf-8", "replace"))
        into = self._into
        into._kept += len(raw)
        into._lines.append(line)
        if self.heard is not None:
            self.heard(line.at_ms, line.text)
        if self._flooded:
            into._lines.append(LogLine(line.at_ms, TRUNCATED))

    def _split(self) -> None:
        data, start = self._data, 0
        while start < len(data) and not self._flooded:
            if data.startswith(MAGIC, start):
                if len(data) - start < RECORD.size:
                    break
                end = start + RECORD.size + min(RECORD.unpack_from(data, start)[1], MAX_LINE)
                if len(data) < end:
                    break
                self._keep(data[start + RECORD.size : end])
            else:
                end = self._line_end(start)
                if end < 0:
                    break
                self._keep(data[start:end])
            start = end
        if self._flooded:
            data.clear()
        else:
            del data[:start]

    def _line_end(self, start: int) -> int:
        """Where the line that begins at `start` ends; -1 when it is not complete."""
        data = self._data
        newline = data.find(b"\n", start)
        magic = data.find(MAGIC, start, newline if newline >= 0 else len(data))
        if magic > 0:
            return magic
        if newline >= 0:
            return min(newline + 1, start + MAX_LINE)
        return start + MAX_LINE if len(data) - start >= MAX_LINE else -1
