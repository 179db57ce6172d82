"""Groups on their way out: a group that is deleted is DELETING until its schedules are gone, some at a time."""

from __future__ import annotations

from tule.backbone.delivery import Delivery
from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.platform.node import Node
from tule.services.scheduler import state, timers
from tule.services.scheduler.names import ScheduleRef, group_arn
from tule.store.store import Tx

DELETE_GROUP = "scheduler.delete-group"
SCHEDULES_AT_ONCE = 200
_ATTEMPTS = 1_000_000_000


def begin(tx: Tx, account: str, region: str, group: str) -> None:
    enqueue(tx, Job(DELETE_GROUP, group_arn(account, region, group), account, region, max_attempts=_ATTEMPTS))


async def delete_group(node: Node, delivery: Delivery) -> None:
    group = arns.parse(delivery.target).resource_id
    while await node.store.write(lambda tx: _delete_some(tx, delivery.account, delivery.region, group)):
        pass


def _delete_some(tx: Tx, account: str, region: str, group: str) -> bool:
    """Whether there is more to delete.  The group itself goes with the last of them."""
    document = state.GROUPS.get(tx, account, region, group)
    if document is None or document["state"] != state.DELETING:
        return False
    rows = state.SCHEDULES.page(tx, account, region, limit=SCHEDULES_AT_ONCE, prefix=f"{group}/")
    for key, _ in rows:
        ref = ScheduleRef(account, region, group, key.partition("/")[2])
        timers.stop(tx, ref)
        state.delete_schedule(tx, ref)
    if len(rows) < SCHEDULES_AT_ONCE:
        state.GROUPS.delete(tx, account, region, group)
        return False
    return True
