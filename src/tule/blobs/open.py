"""Which blob store a configuration means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tule.blobs.blobs import Blobs
from tule.blobs.local import LocalBlobs
from tule.core.clock import Clock
from tule.core.config import Config, ConfigError
from tule.core.ids import Ids
from tule.store.ephemeral import ephemeral_directory
from tule.store.store import Store


async def open_blobs(config: Config, store: Store, clock: Clock, ids: Ids) -> Blobs:
    """`file:///a/directory`, `s3://bucket/prefix` and whatever else obstore knows, or nothing: a directory in the data
    directory, which goes with an ephemeral node.  Raises ConfigError."""
    url = urlsplit(config.blobs)
    if url.scheme and url.scheme != "file":
        return _in_object_store(config.blobs, store, ids)
    if url.scheme:
        return LocalBlobs(Path(unquote(url.path)), store, ids, fsync=not config.ephemeral)
    if config.ephemeral:
        directory, remove = ephemeral_directory(config.data_path)
        return LocalBlobs(directory, store, ids, fsync=False, on_close=remove)
    return LocalBlobs(config.data_path / "blobs", store, ids)


def _in_object_store(url: str, store: Store, ids: Ids) -> Blobs:
    import obstore.store  # 10 MB that a laptop does not need
    from obstore.exceptions import BaseError

    from tule.blobs.object_store import ObjectBlobs

    try:
        return ObjectBlobs(obstore.store.from_url(url), store, ids)
    except (BaseError, ValueError) as error:
        raise ConfigError(f"blobs: {url} is no place for blobs: {str(error).splitlines()[0]}") from error
