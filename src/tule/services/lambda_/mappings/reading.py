"""The reader that a mapping is: batches become invocations of its function, under the function's role."""

from __future__ import annotations

from typing import Any, cast

import orjson

from tule.access.principal import Principal
from tule.backbone.jobs import enqueue
from tule.compute.compute import Invocation
from tule.core import trace as traces
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.pollers.batch_response import InvalidResponse, failed_items
from tule.pollers.contract import Batch, Failed, GivenUp, Handled, NotNow, Outcome, PartlyHandled
from tule.services.lambda_ import execution_role
from tule.services.lambda_.mappings import failures, state
from tule.services.lambda_.mappings.failures import Failure
from tule.services.lambda_.mappings.metrics import MappingMetrics
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.store.store import Tx

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
_NOT_NOW = ("TooManyRequestsException", "AccessDeniedException", "InvalidParameterValueException", "ResourceNotFoundException", "ServiceException")


class MappingReader:
    """`mapping` is its document; a change of it makes another reader."""

    def __init__(self, node: Node, account: str, region: str, mapping: dict[str, Any]) -> None:
        self._node = node
        self._account = account
        self._region = region
        self._mapping = mapping
        self._shown: dict[str, Any] = mapping["shown"]
        self._ref = state.function_ref(account, region, mapping)
        self._reports = bool(self._shown.get("FunctionResponseTypes"))
        self._metrics = MappingMetrics(node, self._ref, self._shown)
        self._role = ""
        self._problem: str | None = None

    async def principal(self) -> Principal:
        function = await functions(self._node).runnables.get(self._ref)
        self._role = function.role
        session = execution_role.current(self._node, self._ref, function.role)
        return (session or await execution_role.assume(self._node, self._ref, function.role)).principal

    async def handle(self, batch: Batch) -> Outcome:
        self._metrics.invoking(batch)
        outcome = await self._handle(batch)
        self._metrics.handled(batch, outcome)
        return outcome

    async def _handle(self, batch: Batch) -> Outcome:
        request_id = self._node.ids.uuid()
        try:
            function = await functions(self._node).runnables.get(self._ref)
            payload = self._payload(batch)
            done = await functions(self._node).run(function, payload, request_id, trace=_trace(batch, function))
        except ServiceError as error:
            if error.code in _NOT_NOW:
                return NotNow(error.message)
            return Failed({"request_id": request_id})
        return self._outcome(batch, function, done, request_id)

    def _payload(self, batch: Batch) -> bytes:
        event: dict[str, Any] = {"Records": batch.events}
        if batch.window is not None:
            window = batch.window
            event |= {
                "window": {"start": _whole_seconds(window.start_ms), "end": _whole_seconds(window.end_ms)},
                "state": window.state,
                "shardId": batch.shard,
                "eventSourceARN": self._shown["EventSourceArn"],
                "isFinalInvokeForWindow": window.is_final,
                "isWindowTerminatedEarly": window.is_terminated_early,
            }
        return orjson.dumps(event)

    def _outcome(self, batch: Batch, function: Runnable, done: Invocation, request_id: str) -> Outcome:
        told = {"request_id": request_id, "executed_version": function.spec.version, "function_error": done.error}
        if done.error is not None:
            return Failed(told)
        window_state = _state_of(done.payload) if batch.window is not None else None
        if not self._reports:
            return Handled(window_state)
        try:
            failed = failed_items(done.payload, {record.id for record in batch.records})
        except InvalidResponse:
            return Failed(told)
        return PartlyHandled(failed, told, window_state) if failed else Handled(window_state)

    def give_up(self, tx: Tx, given_up: GivenUp) -> None:
        destination = self._shown.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        if not destination:
            tx.after_commit(lambda: self._metrics.count("DroppedEventCount", len(given_up.batch.records)))
        else:
            failure = Failure(given_up, self._ref.qualified_arn, self._shown["EventSourceArn"], tx.now_ms)
            letter = self._metrics.told(len(given_up.batch.records))
            enqueue(tx, failures.job(failure, self._ref, self._role, destination, self._shown["UUID"], tx.ids, letter))

    def polled(self, records: int, filtered_out: int) -> None:
        self._metrics.polled(records, filtered_out)

    async def report(self, problem: str) -> None:
        """Mappings of streams show it as LastProcessingResult."""
        if problem != self._problem and "StartingPosition" in self._shown:
            self._problem = problem
            uuid = self._shown["UUID"]
            await self._node.store.write(lambda tx: state.put_result(tx, self._account, self._region, uuid, problem))


def _trace(batch: Batch, function: Runnable) -> str | None:
    """Of the messages' traces the one that has come through this function most often."""
    headers = [record.event.get("attributes", {}).get("AWSTraceHeader") for record in batch.records]
    return max((header for header in headers if header), key=lambda header: _rounds(header, function.ref.arn), default=None)


def _rounds(header: str, arn: str) -> int:
    trace = traces.parse(header)
    return 0 if trace is None else trace.count(arn)


def _state_of(payload: bytes) -> Any:
    """What a function says is the state of its window."""
    try:
        answer = orjson.loads(payload or b"null")
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", answer).get("state", {}) if isinstance(answer, dict) else {}


def _whole_seconds(at_ms: int) -> str:
    return iso8601(at_ms)[:19] + "Z"
