"""Whether what is kept of objects is what was written: every blob against its checksum, every version against its blobs, and the
bytes in rows against their seals and digests.  It reads only; what it finds is for people to restore from a backup or a replica.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import orjson

from tule.blobs.blobs import BlobMissing, Blobs
from tule.blobs.scrub import verify_all
from tule.services.s3 import node_keys, vouching
from tule.services.s3.node_keys import NodeKeys
from tule.services.s3.sealing import Damaged, Seal, stored_bytes
from tule.services.s3.state import scrubbing
from tule.services.s3.state.scrubbing import Kept, KeptPart
from tule.store.store import Store, Tx

_PAGE = 200


class Finding(NamedTuple):
    """Something that is not as it was written, and what it is part of."""

    problem: str
    where: str


class Scrub:
    """Counts what it has seen."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._keys = NodeKeys()
        self.blobs = 0
        self.unverified = 0  # blobs from before there were checksums, that no object vouches for
        self.versions = 0

    async def findings(self) -> AsyncIterator[Finding]:
        async for finding in self._of_blobs():
            yield finding
        for page in (scrubbing.current_after, scrubbing.noncurrent_after):
            async for version in self._walk(page):
                self.versions += 1
                async for finding in self._of_version(version):
                    yield finding

    async def _of_blobs(self) -> AsyncIterator[Finding]:
        async for blob in verify_all(self._blobs):
            self.blobs += 1
            self.unverified += blob.good is None
            if blob.good is False:
                held = await self._store.read(lambda tx, name=blob.name: scrubbing.held_by(tx, name))
                yield Finding(f"blob {blob.name} is not what was written", ", ".join(held) or "nothing of S3's")

    async def _walk(self, page: Callable[[Tx, Kept | None, int], list[Kept]]) -> AsyncIterator[Kept]:
        last: Kept | None = None
        while found := await self._store.read(lambda tx, last=last: page(tx, last, _PAGE)):
            for version in found:
                yield version
            last = found[-1]

    async def _of_version(self, version: Kept) -> AsyncIterator[Finding]:
        parts = [KeptPart(1, version.size, version.etag, version.blob, version.data)]
        if version.manifest is not None:
            manifest = version.manifest
            parts = await self._store.read(lambda tx: scrubbing.parts(tx, manifest))
        if sum(part.size for part in parts) != version.size:
            yield Finding("parts are missing", version.shown)
        for part in parts:
            problem = await self._of_blob(version, part) if part.blob is not None else await self._of_data(version, part)
            if problem is not None and await self._store.read(lambda tx: scrubbing.is_there(tx, version)):
                yield Finding(problem, version.shown)

    async def _of_blob(self, version: Kept, part: KeptPart) -> str | None:
        assert part.blob is not None
        try:
            length = await self._blobs.length(part.blob)
        except BlobMissing:
            return f"blob {part.blob} is missing"
        wanted = _stored(version, part.size)
        return None if length == wanted else f"blob {part.blob} has {length} bytes instead of {wanted}"

    async def _of_data(self, version: Kept, part: KeptPart) -> str | None:
        data = part.data
        if data is None or len(data) != _stored(version, part.size):
            return "its bytes are cut short"
        sealed = version.sealed
        if sealed is not None and not sealed.startswith(node_keys.KIND):
            return None if vouching.is_as_written(sealed, data) else "its bytes are not those that were written"
        try:
            plain = data if sealed is None else (await self._seal(sealed)).open(data, part.size)
        except Damaged as damage:
            return str(damage)
        whole = len(part.etag) == 32 and hashlib.md5(plain, usedforsecurity=False).hexdigest() != part.etag
        return "its bytes are not those of its entity tag" if whole else None

    async def _seal(self, sealed: bytes) -> Seal:
        return Seal(await self._store.read(lambda tx: self._keys.unwrap(tx, sealed)), has_md5_etag=True)


def _stored(version: Kept, size: int) -> int:
    """How many bytes `size` bytes of a version are at rest."""
    if version.sealed is None:
        return size
    layers = 1 if version.sealed.startswith(node_keys.KIND) or "outer" not in orjson.loads(version.sealed) else 2
    return stored_bytes(size, layers)
