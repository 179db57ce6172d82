"""Which open shard a hash key belongs to.

The open shards of a stream change rarely and are asked for with every record, so a node keeps them in memory under the name
of their set (`Stream.layout`), which is another after every change: what is kept can be forgotten, but never wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import cast

from tule.platform.node import Node
from tule.services.kinesis.state import shards
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

_KEPT = 1_000


@dataclass(slots=True, frozen=True)
class Layout:
    """Open shards by their first hash keys."""

    starts: list[int]
    shards: list[Shard]

    @property
    def only(self) -> Shard | None:
        """The shard that all hash keys belong to, where there is but one."""
        return self.shards[0] if len(self.shards) == 1 else None

    def shard_of(self, hash_key: int) -> Shard:
        return self.shards[bisect_right(self.starts, hash_key) - 1]


def of(node: Node, tx: Tx, stream: Stream) -> Layout:
    kept = cast("dict[str, Layout]", node.memory.setdefault("kinesis.layouts", {}))
    layout = kept.get(stream.layout)
    if layout is None:
        found = shards.open_shards(tx, stream)
        layout = Layout([shard.start_key for shard in found], found)
        if len(kept) >= _KEPT:
            kept.clear()
        kept[stream.layout] = layout
    return layout
