"""What comes due in an execution: waits, next attempts, time-outs, the end of its retention."""

from __future__ import annotations

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.platform.node import Node
from tule.services.lambda_.durable import callbacks, executions, state
from tule.services.lambda_.durable.state import Execution
from tule.store.store import Tx


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    payload = delivery.payload

    def ring(tx: Tx) -> None:
        execution = state.find(tx, payload["execution"])
        if execution is not None:
            _ring(tx, execution, payload["what"], payload["operation"])

    await node.store.write(ring)
    return Done()


def _ring(tx: Tx, execution: Execution, what: str, operation_id: str) -> None:
    if what == "retention":
        state.delete(tx, execution.id)
        return
    if execution.ended:
        return
    if what == "timeout":
        executions.finish(tx, execution, "TIMED_OUT", error={"ErrorMessage": "Execution timed out"})
        return
    operation = state.operation(tx, execution, operation_id)
    if operation is None:
        return
    match what, operation["Status"]:
        case "wait", "STARTED":
            duration_s = (operation["WaitDetails"]["ScheduledEndTimestamp"] - operation["StartTimestamp"]) // 1000
            executions.settle(tx, execution, operation, "SUCCEEDED", {"Duration": duration_s})
        case "retry", "PENDING":
            executions.settle(tx, execution, operation, "READY")
        case "callback" | "heartbeat", "STARTED":
            callbacks.time_out(tx, execution, operation, heartbeat=what == "heartbeat")
        case _:
            return  # it ended by itself meanwhile
