"""Bringing what a write-ahead log holds into its SQLite database, beside the writer and not in its way.

SQLite by itself does that within a commit, whenever the log has a thousand pages: the writer waits while pages from all over
the database are written and synced, which takes the longer the larger the database is.  Here a thread of its own copies most
of it while the writer goes on; what was added meanwhile, which is little, the writer copies between two transactions, and only
then the log begins again at its start.  A log holds more pages than usual, so that a page that changes often is copied seldom.

SQLite syncs the database only once all is copied, so the thread does it before, and little is left to sync for the writer.  For
that it has a descriptor of its own, which stays open as long as there are connections: closing it would take their locks.

What can go wrong: a copy that fails (the disk is full) leaves everything in the log, and is tried again once that has grown.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import apsw

PAGES = 8_192  # in the log when it is time: 32 MiB
RETRY_PAGES = 2_048  # more, before it is tried again where something was in the way
FEW_PAGES = 256  # that the writer may copy by itself
ROUNDS = 4  # of the thread, while the writer adds more than a few


class Checkpoints:
    """Of one writer.  `tend` and `finish` are called on its thread, between transactions; `close` when all connections are closed."""

    def __init__(self, path: Path, writer: apsw.Connection, synchronous: str) -> None:
        self._path = path
        self._writer = writer
        self._synchronous = synchronous
        self._pages = 0
        self._due = PAGES
        self._thread: threading.Thread | None = None
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        writer.set_wal_hook(self._committed)  # in the place of SQLite's own

    def _committed(self, _writer: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def is_due(self) -> bool:
        """Whether `tend` has something to do, or soon will."""
        return self._thread is not None or self._pages >= self._due

    def tend(self) -> None:
        """Begin what is due, end what is nearly done."""
        if self._thread is None:
            if self._pages >= self._due:
                self._thread = threading.Thread(target=self._copy, name=f"checkpoint {self._path.name}", daemon=True)
                self._thread.start()
            elif self._pages < PAGES:
                self._due = PAGES
        elif not self._thread.is_alive():
            self._thread = None
            self._due = self._pages + RETRY_PAGES
            with contextlib.suppress(apsw.Error):
                self._writer.wal_checkpoint()

    def finish(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        os.close(self._file)

    def _copy(self) -> None:
        with contextlib.suppress(apsw.Error, OSError), contextlib.closing(apsw.Connection(str(self._path))) as connection:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            for _ in range(ROUNDS):
                pages, copied = connection.wal_checkpoint()
                if self._synchronous != "OFF":
                    os.fdatasync(self._file)
                if pages - copied <= FEW_PAGES:
                    return
