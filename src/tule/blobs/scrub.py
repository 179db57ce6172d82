"""Reading every blob and comparing it with the checksum it was written with.  Nothing is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from tule.blobs.blobs import BlobMissing, Blobs


class Verified(NamedTuple):
    """`good` is None for a blob from before there were checksums."""

    name: str
    good: bool | None


async def verify_all(blobs: Blobs) -> AsyncIterator[Verified]:
    async for name in blobs.names():
        try:
            yield Verified(name, await blobs.verify(name))
        except BlobMissing:
            continue  # deleted meanwhile
