"""Removes rows that nobody can see any more: events past their group's retention, and what deleted groups left.

A reconciler: it takes no input and may run at any time.  What it has not removed yet is not shown either.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from tule.platform.node import Node
from tule.services.logs.groups import GROUPS, oldest_shown_ms
from tule.store.errors import StoreError
from tule.watch import log_store

log = logging.getLogger("tule.logs")

EVERY_S = 600.0
ROWS_AT_ONCE = 2_000


async def run(node: Node) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await expire(node)
        except StoreError as error:
            log.warning("old log events are not removed: %s", error)


async def expire(node: Node) -> None:
    kept = {group["id"]: group for _, _, _, group in await node.store.read(GROUPS.everywhere)}
    for group_id in await node.telemetry.read(log_store.group_ids):
        group = kept.get(group_id)
        if group is None:
            await node.telemetry.write(partial(log_store.delete_group, group_id=group_id))
            continue
        await _expire_group(node, group_id, oldest_shown_ms(group, node.clock.now_ms()))


async def _expire_group(node: Node, group_id: str, before_ms: int) -> None:
    removed = ROWS_AT_ONCE if before_ms else 0
    while removed == ROWS_AT_ONCE:  # each batch a transaction of its own, so that others write in between
        removed = await node.telemetry.write(partial(_expire, group_id, before_ms))


def _expire(group_id: str, before_ms: int, tx: log_store.Tx) -> int:
    return log_store.expire(tx, group_id, before_ms, ROWS_AT_ONCE)
