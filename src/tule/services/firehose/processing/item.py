"""A record while it is processed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tule.services.firehose.state.buffers import Record


@dataclass(slots=True, frozen=True)
class Item:
    """`source` is what came in, `data` what has become of it; `query` and `function` are the partition keys found so far."""

    source: Record
    data: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    function: Mapping[str, str] = field(default_factory=dict[str, str])

    def with_data(self, data: bytes) -> Item:
        return replace(self, data=data)
