"""Where the bytes of a version are, in order: one piece for most, one for each part of a multipart upload."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tule.platform.node import Node
from tule.services.s3 import garbage
from tule.services.s3.ranges import Span
from tule.services.s3.sealing import Seal
from tule.services.s3.state import uploads
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_PIECE = 512 * 1024  # of bytes that are not sealed


class Segment(NamedTuple):
    """`size` bytes of the object from `start` on; in `data` or in `blob`, perhaps sealed.  `checksum` is the part's, base64."""

    start: int
    size: int
    data: bytes | None
    blob: str | None
    checksum: str = ""


def segments_of(tx: Tx, version: Version) -> list[Segment]:
    if version.manifest is None:
        return [Segment(0, version.size, version.data, version.blob)]
    found: list[Segment] = []
    start = 0
    for part in uploads.parts(tx, version.manifest):
        found.append(Segment(start, part.size, part.data, part.blob, part.checksum))
        start += part.size
    return found


async def pieces(node: Node, segments: Sequence[Segment], span: Span, seal: Seal | None) -> AsyncIterator[bytes]:
    """The bytes of `span`, piece by piece; they stay for as long as somebody reads on.  Raises Damaged."""
    with garbage.reading(node, (segment.blob for segment in segments if segment.blob is not None)):
        for segment in segments:
            first, last = max(span.start - segment.start, 0), min(span.end - segment.start, segment.size)
            if first >= last:
                continue
            if segment.data is not None:
                yield (segment.data if seal is None else seal.open(segment.data, segment.size))[first:last]
            elif segment.blob is not None:
                async for piece in _of_blob(node, segment.blob, segment.size, first, last, seal):
                    yield piece


def _of_blob(node: Node, blob: str, size: int, first: int, last: int, seal: Seal | None) -> AsyncIterator[bytes]:
    if seal is None:
        return node.blobs.read(blob, first, last, piece=_PIECE)
    return seal.read(node.blobs, blob, size, first, last)
