"""What goes on with changes besides requests, for the node's life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.dynamodb import expiring, recovery, replicating
from tule.services.dynamodb.state import expiries, replication
from tule.services.dynamodb.streams import trimming

EXPIRE_EVERY_MS = 3_600_000
OUTBOX_EVERY_MS = 600_000

Work = Callable[[Node], Awaitable[int | None]]


def start(node: Node) -> Sequence[Awaitable[None]]:
    return [
        _kept(node, "dynamodb.trimming", trimming.EVERY_MS, (), trimming.trim),
        _kept(node, "dynamodb.journal", trimming.EVERY_MS, (), recovery.trim),
        _kept(node, "dynamodb.outbox", OUTBOX_EVERY_MS, (replication.TOPIC,), replicating.replicate),
        _kept(node, "dynamodb.versions", trimming.EVERY_MS, (), replicating.forget_gone),
        _kept(node, "dynamodb.expiries", EXPIRE_EVERY_MS, (expiries.TOPIC,), expiring.expire),
    ]


def _kept(node: Node, name: str, every_ms: int, topics: Sequence[str], work: Work) -> Awaitable[None]:
    return Reconciler(name, every_ms, topics, lambda: work(node)).keep(node.store, node.clock, node.jobs)
