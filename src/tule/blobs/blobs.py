"""The contract of the blob store.

Order of things: a blob is written and fsynced under a random name before the transaction that refers to it, and is
forgotten by the sweeper when no row refers to it (services enumerate theirs through `Blobs.referenced_by`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from tule.store.store import Tx


@dataclass(slots=True, frozen=True)
class Written:
    name: str
    length: int


class Blobs(Protocol):
    async def write(self, chunks: AsyncIterator[bytes]) -> Written:
        """Store the bytes durably under a new random name, in constant memory."""
        ...

    def read(
        self, name: str, start: int = 0, end: int | None = None, *, piece: int = 0, through: Callable[[bytes], bytes] | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end` (exclusive), piece by piece.  Raises BlobMissing at the first piece.

        With `piece`, each has exactly that many bytes, but for the last one.  `through` is run over each, in their order, where
        it is read: off the event loop when it is long."""
        ...

    async def read_all(self, name: str) -> bytes: ...

    async def delete(self, name: str) -> None:
        """Deleting what is gone is no error."""
        ...

    def referenced_by(self, holders: Callable[[Tx, list[str]], set[str]]) -> None:
        """Register a service's answer to: which of these names do you still refer to?"""
        ...

    async def sweep(self, older_than_ms: int) -> int:
        """Delete blobs that nobody refers to and that are older than the grace time; how many went."""
        ...

    # For backups and restores.

    def names(self) -> AsyncIterator[str]:
        """All blobs that there are."""
        ...

    async def length(self, name: str) -> int:
        """In bytes.  Raises BlobMissing."""
        ...

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Store under a given name."""
        ...

    def kept(self) -> AbstractAsyncContextManager[None]:
        """While this lasts, deletions wait."""
        ...

    # For the scrub.

    async def verify(self, name: str) -> bool | None:
        """Whether the bytes are those that were written; None when the blob is older than checksums are.  Raises BlobMissing."""
        ...

    async def close(self) -> None: ...


class BlobMissing(LookupError):
    """There is no blob of this name, or no longer."""
