"""The reader that a pipe is: batches become executions, under the pipe's role."""

from __future__ import annotations

import logging
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.backbone.jobs import enqueue
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.pollers.contract import Batch, GivenUp, NotNow, Outcome
from tule.services.pipes import encryption, sources, state
from tule.services.pipes.encryption import principal_of
from tule.services.pipes.execution import Execution
from tule.services.pipes.names import PIPES, PipeRef
from tule.services.pipes.state import Document
from tule.store.store import Tx

log = logging.getLogger("tule.pipes")


class PipeReader:
    """`pipe` is its document; a change of it makes another reader."""

    def __init__(self, node: Node, ref: PipeRef, pipe: Document) -> None:
        self._node = node
        self._ref = ref
        self._pipe = pipe
        self._settings: dict[str, Any] = pipe["settings"]
        self._problem = ""

    async def principal(self) -> Principal:
        return await principal_of(self._node, self._ref, self._settings["RoleArn"])

    async def handle(self, batch: Batch) -> Outcome:
        try:
            principal = await self.principal()
            settings = await encryption.opened(self._node, self._ref, self._pipe)
        except (KeyRefused, ServiceError) as error:
            return NotNow(error.message)
        return await Execution(self._node, self._ref, settings, principal).run(batch)

    def give_up(self, tx: Tx, given_up: GivenUp) -> None:
        """AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-kinesis.html, reporting batch item failures"""
        letters = sources.parameters(self._settings).get("DeadLetterConfig", {}).get("Arn")
        if not letters:
            return
        job = targets.job(
            letters,
            orjson.dumps(_letter(self._ref, self._settings["Source"], given_up, tx.now_ms)).decode(),
            account=self._ref.account,
            region=self._ref.region,
            source_service=PIPES,
            source_arn=self._ref.arn,
            role=self._settings["RoleArn"],
        )
        enqueue(tx, job)

    def polled(self, records: int, filtered_out: int) -> None:
        """AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-monitoring.html"""
        del filtered_out
        ref = self._ref
        self._node.meter.add(ref.account, ref.region, "AWS/EventBridge/Pipes", "EventCount", (("PipeName", ref.name),), records, "Count")

    async def report(self, problem: str) -> None:
        """What is wrong with the source stands in the pipe's StateReason until it is right again."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            log.warning("%s cannot read %s: %s", self._ref.arn, self._settings["Source"], problem)
        await self._node.store.write(lambda tx: tell(tx, self._ref, problem))


def tell(tx: Tx, ref: PipeRef, problem: str) -> None:
    """What is wrong with a running pipe, or that nothing is."""
    pipe, reason = state.find(tx, ref), f"PROBLEM: {problem}"[:512] if problem else state.USER_INITIATED
    if pipe is not None and pipe["current"] == "RUNNING" and pipe["reason"] != reason:
        state.put(tx, ref, {**pipe, "reason": reason})


def _letter(ref: PipeRef, source: str, given_up: GivenUp, now_ms: int) -> dict[str, Any]:
    records, is_table = given_up.batch.records, ":dynamodb:" in source
    info = {
        "shardId": given_up.batch.shard,
        "startSequenceNumber": records[0].id,
        "endSequenceNumber": records[-1].id,
        "approximateArrivalOfFirstRecord": _time(records[0].at_ms, is_table),
        "approximateArrivalOfLastRecord": _time(records[-1].at_ms, is_table),
        "batchSize": len(records),
        "streamArn": source,
    }
    return {
        "context": {"partnerResourceArn": ref.arn, "condition": given_up.condition},
        "version": "1.0",
        "timestamp": iso8601(now_ms),
        "DDBStreamBatchInfo" if is_table else "KinesisBatchInfo": info,
    }


def _time(ms: int, in_seconds: bool) -> str:
    return iso8601(ms)[:19] + "Z" if in_seconds else iso8601(ms)
