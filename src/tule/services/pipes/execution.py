"""One execution of a pipe: a batch through transformation, enrichment, transformation again, to the target.

A failure of what the user owns uses up an attempt at the batch; one that may pass by itself does not.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-error-troubleshooting.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.node import Node
from tule.pollers.contract import Batch, Failed, Handled, NotNow, Outcome, PartlyHandled
from tule.services.pipes import deliveries, enrichment, sources, templates
from tule.services.pipes.execution_log import ExecutionLog
from tule.services.pipes.names import PipeRef
from tule.services.pipes.stations import Item, StationFailed, station


class Execution:
    def __init__(self, node: Node, ref: PipeRef, settings: Mapping[str, Any], principal: Principal) -> None:
        self._node = node
        self._ref = ref
        self._settings = settings
        self._principal = principal
        self._log = ExecutionLog(node, ref, settings)
        self._stage = "Target"
        self._trace: str | None = None

    async def run(self, batch: Batch) -> Outcome:
        try:
            return await self._run(batch)
        finally:
            await self._log.send()

    async def _run(self, batch: Batch) -> Outcome:
        events = [sources.event_of(record.event) for record in batch.records]
        self._trace = _trace(events)
        self._log.step("ExecutionStarted", payload=orjson.dumps(events).decode())
        try:
            enriched = await self._enrich(events) if "Enrichment" in self._settings else events
            failed = await self._deliver(enriched)
        except StationFailed as error:
            return self._failed({"message": error.message, "details": error.answer}, Failed())
        except ServiceError as error:
            told = {"httpStatusCode": error.status, "message": error.message, "details": error.code}
            return self._failed(told, NotNow(error.message) if targets.may_pass(error) else Failed())
        return self._ended(batch, events, enriched, failed)

    def _failed(self, error: Mapping[str, Any], outcome: Outcome) -> Outcome:
        self._log.step(f"{self._stage}InvocationFailed", error, awsResponse=str(error.get("details", "")))
        self._log.step(f"{self._stage}StageFailed", error)
        self._log.step("ExecutionFailed", error)
        return outcome

    def _ended(self, batch: Batch, events: Sequence[Any], enriched: Sequence[Any], failed: frozenset[int]) -> Outcome:
        if not failed:
            self._log.step("ExecutionSucceeded")
            return Handled()
        error = {"message": f"{len(failed)} of {len(enriched)} events did not arrive."}
        self._log.step("TargetInvocationPartiallyFailed", error)
        self._log.step("TargetStagePartiallyFailed", error)
        self._log.step("ExecutionPartiallyFailed", error)
        ids = _failed_ids(batch, events, enriched, failed)
        return Failed() if ids is None else PartlyHandled(ids)

    async def _enrich(self, events: Sequence[Any]) -> list[Any]:
        self._stage = "Enrichment"
        self._log.step("EnrichmentStageEntered")
        items = self._transformed(events, "EnrichmentParameters")
        at = station(
            self._node, self._ref, self._settings["Enrichment"], self._settings.get("EnrichmentParameters", {}), self._principal, self._trace
        )
        self._log.step("EnrichmentInvocationStarted")
        answer = await enrichment.enrich(at, items)
        told = answer.decode(errors="replace")
        self._log.step("EnrichmentInvocationSucceeded", awsRequest=_texts(items), awsResponse=told)
        found = enrichment.events_of(answer)
        self._log.step("EnrichmentStageSucceeded", payload=told)
        return found

    async def _deliver(self, events: Sequence[Any]) -> frozenset[int]:
        """The positions of events that did not arrive."""
        self._stage = "Target"
        if not events:
            self._log.step("TargetStageSkipped")
            return frozenset()
        self._log.step("TargetStageEntered")
        items = self._transformed(events, "TargetParameters")
        at = station(self._node, self._ref, self._settings["Target"], self._settings.get("TargetParameters", {}), self._principal, self._trace)
        self._log.step("TargetInvocationStarted")
        answer = await deliveries.deliver(at, items)
        if not answer.failed:
            self._log.step("TargetInvocationSucceeded", awsRequest=_texts(items), awsResponse=answer.payload.decode(errors="replace"))
            self._log.step("TargetStageSucceeded", payload=_texts(items))
        return answer.failed

    def _transformed(self, events: Sequence[Any], member: str) -> list[Item]:
        text = self._settings.get(member, {}).get("InputTemplate")
        if not text:
            return [Item(event, event if isinstance(event, str) and member == "TargetParameters" else _dumps(event)) for event in events]
        self._log.step(f"{self._stage}TransformationStarted")
        template, variables = templates.compile_template(text), self._variables()
        items = [Item(event, template.render(event, variables)) for event in events]
        self._log.step(f"{self._stage}TransformationSucceeded", payload=_texts(items))
        return items

    def _variables(self) -> dict[str, str]:
        return {
            "aws.pipes.pipe-arn": self._ref.arn,
            "aws.pipes.pipe-name": self._ref.name,
            "aws.pipes.source-arn": self._settings["Source"],
            "aws.pipes.enrichment-arn": self._settings.get("Enrichment", ""),
            "aws.pipes.target-arn": self._settings["Target"],
            "aws.pipes.event.ingestion-time": iso8601(self._node.clock.now_ms()),
        }


def _dumps(event: Any) -> str:
    return orjson.dumps(event).decode()


def _texts(items: Sequence[Item]) -> str:
    return f"[{','.join(item.text for item in items)}]"


def _trace(events: Sequence[Any]) -> str | None:
    """The trace of the first message that carries one."""
    headers = (event.get("attributes", {}).get("AWSTraceHeader") for event in events if isinstance(event, dict))
    return next((header for header in headers if header), None)


def _failed_ids(batch: Batch, events: Sequence[Any], enriched: Sequence[Any], failed: frozenset[int]) -> frozenset[str] | None:
    """Which records the failed events were; None when that cannot be said, and all of the batch counts as failed."""
    if enriched is events:
        return frozenset(batch.records[position].id for position in failed)
    records = {sources.id_of(event): record.id for event, record in zip(events, batch.records, strict=True)}
    ids = [records.get(sources.id_of(enriched[position])) for position in failed]
    return None if None in ids else frozenset(id for id in ids if id is not None)
