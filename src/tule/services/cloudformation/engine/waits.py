"""Wait conditions: a stack that waits for signals from outside.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.node import Node
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.cloudformation import records, state
from tule.services.cloudformation.engine.context import EngineContext
from tule.services.cloudformation.engine.custom import take_answer
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.engine.slow import Pending, SlowType
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.paths import SIGNALS
from tule.wire.http import Request, Response

MAX_SIGNAL_BYTES = 16_384
MAX_TIMEOUT_S = 43_200


class WaitConditionHandleType:
    """Ref is the URL to which signals are PUT."""

    name = "AWS::CloudFormation::WaitConditionHandle"
    replace_on = frozenset[str]()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        assert isinstance(stack, EngineContext)
        token = f"signal-{stack.journal.token}"
        await stack.node.store.write(lambda tx: state.expect_answers(tx, token, stack.stack_id))
        return Resource(f"{stack.endpoint}{SIGNALS}{token}")

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        token = physical_id.rsplit("/", 1)[-1]
        await stack.node.store.write(lambda tx: state.drop_answers(tx, token))


class WaitConditionType(SlowType):
    """Complete once `Count` different signals said SUCCESS; GetAtt Data is what they carried."""

    name = "AWS::CloudFormation::WaitCondition"
    replace_on = frozenset({"Handle", "Timeout", "Count"})

    async def begin_create(self, run: Run, stack: StackContext, properties: Properties) -> Pending:
        assert isinstance(stack, EngineContext)
        own = stack.journal.token
        await run.node.store.write(lambda tx: state.expect_answers(tx, own, stack.stack_id))
        timeout_s = min(int(properties.get("Timeout") or MAX_TIMEOUT_S), MAX_TIMEOUT_S)
        deadline_ms = run.node.clock.now_ms() + timeout_s * 1_000
        tokens = [own, str(properties.get("Handle", "")).rsplit("/", 1)[-1]]
        waiting = {"tokens": tokens, "count": int(properties.get("Count") or 1), "deadline_ms": deadline_ms}
        return Pending(deadline_ms, waiting, f"{stack.stack_id}/{stack.logical_id}")

    async def begin_update(self, run: Run, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        raise TemplateError("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")

    async def begin_delete(self, run: Run, stack: StackContext, physical_id: str, properties: Properties) -> None:
        return None

    async def look(self, run: Run, record: records.Resource) -> Resource | None:
        assert record.waiting is not None
        waiting = record.waiting
        signals = await run.node.store.read(lambda tx: {s["UniqueId"]: s for token in waiting["tokens"] for s in state.answers(tx, token)})
        failed = next((signal for signal in signals.values() if signal.get("Status") == "FAILURE"), None)
        if failed:
            raise TemplateError(f"WaitCondition received failed message: '{failed.get('Reason', '')}' for uniqueId: {failed['UniqueId']}")
        if len(signals) >= waiting["count"]:
            data = {name: signal.get("Data", "") for name, signal in signals.items()}
            return Resource(record.physical_id, {"Data": orjson.dumps(data).decode()})
        if run.node.clock.now_ms() >= waiting["deadline_ms"]:
            raise TemplateError(f"WaitCondition timed out. Received {len(signals)} conditions when expecting {waiting['count']}")
        return None


async def signal_page(node: Node, request: Request) -> Response:
    """A signal: `{"Status": "SUCCESS", "UniqueId": "1", "Data": "...", "Reason": "..."}`."""
    token = request.path.removeprefix(SIGNALS).split("?")[0]
    body = await request.stream.read(MAX_SIGNAL_BYTES) if request.body is None else request.body
    signal = _signal(body)
    if request.method != "PUT" or signal is None:
        return Response(400 if request.method == "PUT" else 405)
    stored = await node.store.write(lambda tx: take_answer(tx, token, signal))
    return Response(200 if stored else 404)


def _signal(body: bytes) -> dict[str, Any] | None:
    try:
        signal = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(signal, dict) or signal.get("Status") not in ("SUCCESS", "FAILURE") or not signal.get("UniqueId"):
        return None
    return signal
