"""Which blob store a configuration means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tule.blobs.blobs import Blobs
from tule.blobs.local import LocalBlobs
from tule.core.clock import Clock
from tule.core.config import Config, ConfigError
from tule.core.ids import Ids
from tule.store.store import Store


async def open_blobs(config: Config, store: Store, clock: Clock, ids: Ids) -> Blobs:
    """`file:///a/directory` or nothing (a directory in the data directory).  Raises ConfigError."""
    if not config.blobs:
        return LocalBlobs(config.data_path / "blobs", store, ids, fsync=not config.ephemeral)
    url = urlsplit(config.blobs)
    if url.scheme == "file":
        return LocalBlobs(Path(unquote(url.path)), store, ids, fsync=not config.ephemeral)
    raise ConfigError(f"blobs: {config.blobs} is no place for blobs")
