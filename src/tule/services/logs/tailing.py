"""Live tails: who listens to which groups, and what they have not been told yet.  A tail hears what arrives at its own node."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from tule.platform.node import Node
from tule.watch.log_store import Event

MAX_PENDING = 5_000  # beyond this a tail is told a sample


@dataclass(slots=True)
class Heard:
    group: str
    stream: str
    event: Event


@dataclass(slots=True)
class Tail:
    account: str
    region: str
    groups: frozenset[str]
    wants: Callable[[str, str], bool]  # stream name, message
    pending: deque[Heard] = field(default_factory=lambda: deque[Heard](maxlen=MAX_PENDING))
    sampled: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, group: str, stream: str, events: Sequence[Event]) -> None:
        for event in events:
            if self.wants(stream, event.message):
                self.sampled = self.sampled or len(self.pending) == MAX_PENDING
                self.pending.append(Heard(group, stream, event))
                self.arrived.set()


class Tails:
    def __init__(self) -> None:
        self._open: list[Tail] = []

    def open(self, tail: Tail) -> None:
        self._open.append(tail)

    def close(self, tail: Tail) -> None:
        self._open.remove(tail)

    def publish(self, account: str, region: str, group: str, stream: str, events: Sequence[Event]) -> None:
        for tail in self._open:
            if tail.account == account and tail.region == region and group in tail.groups:
                tail.hear(group, stream, events)


def tails(node: Node) -> Tails:
    found = node.memory.get("logs.tails")
    if found is None:
        found = node.memory["logs.tails"] = Tails()
    return cast(Tails, found)
