"""Which store a configuration means."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from tule.core.clock import Clock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.store.chaos import ChaosStore
from tule.store.ephemeral import ephemeral_directory
from tule.store.errors import StoreInUse, StoreUnavailable
from tule.store.sqlite import SqliteStore
from tule.store.store import Store

_FEW_THREADS = {"writers": 3, "readers": 2}


async def open_store(config: Config, clock: Clock, ids: Ids, *, telemetry: bool = False) -> Store:
    """The store of what must never be lost, or (`telemetry`) of what may lose its last second.  Raises StoreError."""
    config.data_path.mkdir(parents=True, exist_ok=True)
    store = await (_postgresql if config.store else _sqlite)(config, clock, ids, telemetry)
    return ChaosStore(store) if config.chaos else store


async def open_beside(config: Config, clock: Clock, ids: Ids) -> Store:
    """The store of what must never be lost, for reading only, while a node may be working with it.  Raises StoreError."""
    if not config.store and not (config.data_path / "tule.db").exists():
        raise StoreUnavailable(f"There is no data in {config.data_path}.")
    if not config.store:
        return SqliteStore(config.data_path / "tule.db", clock, ids)
    from tule.store.connections import Address
    from tule.store.postgresql import PostgresStore

    store = PostgresStore(Address.of(config.store), clock, ids, node=f"beside-{ids.hex(8)}", writers=1, readers=2)
    await store.open()
    return store


async def _sqlite(config: Config, clock: Clock, ids: Ids, telemetry: bool) -> Store:
    name = "telemetry" if telemetry else "tule"
    directory, remove = ephemeral_directory(config.data_path) if config.ephemeral else (config.data_path, lambda: None)
    release = _lock(directory / f"{name}.lock")

    def closed() -> None:
        release()
        remove()

    synchronous = "OFF" if config.ephemeral else "NORMAL" if telemetry else "FULL"
    try:
        return SqliteStore(directory / f"{name}.db", clock, ids, synchronous=synchronous, shrinks=telemetry, on_close=closed)
    except BaseException:
        closed()
        raise


async def _postgresql(config: Config, clock: Clock, ids: Ids, telemetry: bool) -> Store:
    from tule.store.connections import Address
    from tule.store.postgresql import PostgresStore

    name = "telemetry" if telemetry else "tule"
    release = _lock(config.data_path / f"{name}.lock")
    try:
        address = Address.of(config.store, telemetry=telemetry)
        threads = _FEW_THREADS if telemetry else {}
        store = PostgresStore(address, clock, ids, node=_node_name(config.data_path, ids), on_close=release, **threads)
        await store.open()
    except BaseException:
        release()
        raise
    return store


def _node_name(data: Path, ids: Ids) -> str:
    """Made at the first start and kept in the data directory, which one node alone uses."""
    path = data / "node"
    if not path.exists():
        path.write_text(ids.hex(16) + "\n")
    return path.read_text().strip()


def _lock(path: Path) -> Callable[[], None]:
    """Hold `path` for this process alone.  A record lock: children that outlive a killed node do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreInUse(f"Another node works in {path.parent}. Stop it, or start this one with another --data.") from error
    return lambda: os.close(descriptor)
