"""Removes archived events that are past their archive's retention.  What it has not removed yet is not shown either."""

from __future__ import annotations

from functools import partial

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.events import archives, state
from tule.store.store import Tx

EVERY_MS = 3_600_000


async def run(node: Node) -> None:
    await Reconciler("events.expiry", EVERY_MS, (), partial(_expire, node)).keep(node.store, node.clock, node.jobs)


async def _expire(node: Node) -> None:
    def expire(tx: Tx) -> None:
        for account, region, name, record in state.ARCHIVES.everywhere(tx):
            archives.drop_expired(tx, account, region, name, record)

    await node.store.write(expire)
