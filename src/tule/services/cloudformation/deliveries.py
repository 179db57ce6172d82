"""What reaches CloudFormation later: drives of stacks."""

from __future__ import annotations

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.platform.node import Node
from tule.services.cloudformation.engine import slow
from tule.services.cloudformation.engine.drive import drive
from tule.store.store import Tx


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """`drive`: go on with the stack.  `alarm`: a time was reached at which it has to be looked at."""
    if delivery.kind == slow.DRIVE:
        await drive(node, delivery.target)
    else:

        def wake(tx: Tx) -> None:
            slow.drive_job(tx, delivery.target, delivery.account, delivery.region)

        await node.store.write(wake)
    return Done()
