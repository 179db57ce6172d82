"""One function invokes another, as its role, and waits for the answer without running.

A durable function is started and tells when it has ended, however long that takes; another is invoked and answers.
"""

from __future__ import annotations

from typing import Any

from tule.access.principal import Principal
from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.node import Node
from tule.services.lambda_ import execution_role
from tule.services.lambda_.durable import executions, state
from tule.services.lambda_.durable.runs import error_object
from tule.services.lambda_.durable.state import Execution
from tule.services.lambda_.names import named_in
from tule.services.lambda_.running import functions
from tule.store.store import Tx

MAX_NAME_CHARS = 64


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    payload = delivery.payload
    execution = await node.store.read(lambda tx: _waiting(tx, delivery))
    if execution is None:
        return Done()
    try:
        session = await execution_role.session(node, execution.ref._replace(qualifier=None), execution.data["role"])
        target = named_in(payload["options"]["FunctionName"], execution.account, execution.region)
        if (await functions(node).runnables.get(target)).durable is not None:
            return await _start(node, delivery, execution, session.principal)
        return await _invoke(node, delivery, execution, session.principal)
    except ServiceError as error:
        if targets.may_pass(error):
            return Retry(error.message, counts=False)
        failure = {"ErrorType": error.code, "ErrorMessage": error.message}
        await node.store.write(lambda tx: _end(tx, delivery, "FAILED", None, failure))
        return Done()


def _waiting(tx: Tx, delivery: Delivery) -> Execution | None:
    execution = state.find(tx, delivery.payload["execution"])
    if execution is None or execution.ended:
        return None
    operation = state.operation(tx, execution, delivery.payload["operation"])
    return execution if operation is not None and operation["Status"] == "STARTED" else None


async def _start(node: Node, delivery: Delivery, execution: Execution, principal: Principal) -> Outcome:
    """Begun again after a crash, it finds the execution that it had started: the name is the same."""
    name = f"{execution.id}-{delivery.payload['operation']}"[:MAX_NAME_CHARS]
    answer = await _call(node, delivery, execution, principal, InvocationType="Event", DurableExecutionName=name)
    child = answer["DurableExecutionArn"]

    def link(tx: Tx) -> None:
        started = executions.of_arn(tx, child)
        started.data["parent"] = {"execution": execution.id, "operation": delivery.payload["operation"]}
        state.put(tx, started)
        if started.ended:
            executions.tell_parent(tx, started)

    await node.store.write(link)
    return Done()


async def _invoke(node: Node, delivery: Delivery, execution: Execution, principal: Principal) -> Outcome:
    answer = await _call(node, delivery, execution, principal)
    answered: bytes = answer.get("Payload", b"null")
    if "FunctionError" in answer:
        error = error_object(answered)
        await node.store.write(lambda tx: _end(tx, delivery, "FAILED", None, error))
    else:
        await node.store.write(lambda tx: _end(tx, delivery, "SUCCEEDED", answered.decode(), None))
    return Done()


async def _call(node: Node, delivery: Delivery, execution: Execution, principal: Principal, **how: Any) -> dict[str, Any]:
    options = delivery.payload["options"]
    params = {"FunctionName": options["FunctionName"], "Payload": delivery.payload["input"].encode(), **how}
    trace = options.get("XAmznTraceId") or execution.data["trace"]
    return await node.dispatcher.invoke(
        "lambda", "Invoke", params, principal=principal, region=execution.region, account=execution.account, trace=trace
    )


def _end(tx: Tx, delivery: Delivery, status: str, result: str | None, error: dict[str, Any] | None) -> None:
    execution = _waiting(tx, delivery)
    operation = state.operation(tx, execution, delivery.payload["operation"]) if execution is not None else None
    if execution is not None and operation is not None:
        executions.end_chained(tx, execution, operation, status, result=result, error=error)
