"""Real nodes for every test: `tule up` in a process of its own, on SQLite and on PostgreSQL, spoken to by unmodified clients.

`aws` is a fresh account on a node that all tests share.  `turned` is a fresh account on a node whose clock the test may turn.
`start_node` gives a test a node of its own, to kill and start again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.node import Account, RunningNode
from tests.postgres import RUN, node_database, remove_server

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # how busy the host is says nothing of the code
settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = uuid.uuid4().hex  # the workers of this run have it from here


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        remove_server(os.environ[RUN])


STORES = ("sqlite", "postgresql")


def _store_url(kind: str) -> str:
    return node_database() if kind == "postgresql" else ""


@pytest.fixture(scope="session", params=STORES)
def store_kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def node(store_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node"), store=_store_url(store_kind)) as running:
        yield running


@pytest.fixture(scope="session")
def turned_node(store_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("turned"), store=_store_url(store_kind)) as running:
        yield running


@pytest.fixture
def aws(node: RunningNode) -> Account:
    return node.fresh_account()


@pytest.fixture
def turned(turned_node: RunningNode) -> Iterator[Account]:
    yield turned_node.fresh_account()
    turned_node.turn_clock({"do": "real"})


@pytest.fixture
def start_node(store_kind: str, tmp_path: Path) -> Iterator[Callable[..., RunningNode]]:
    """`start_node()` starts a node on one data directory (and database) that lasts for the test; flags as keywords."""
    url = _store_url(store_kind)
    started: list[RunningNode] = []

    def start(**flags: object) -> RunningNode:
        running = RunningNode(tmp_path / "data", store=url, **flags)
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
