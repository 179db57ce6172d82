"""What a mapping counts for CloudWatch: of its function always, of itself where its MetricsConfig asks for it.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

from typing import Any

from tule.platform.node import Node
from tule.pollers.contract import Batch, Handled, NotNow, Outcome, PartlyHandled
from tule.services.lambda_.metrics import NAMESPACE
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.running import functions


class MappingMetrics:
    """`shown` is the mapping as GetEventSourceMapping shows it."""

    def __init__(self, node: Node, ref: FunctionRef, shown: dict[str, Any]) -> None:
        self._node = node
        self._ref = ref
        self._uuid: str = shown["UUID"]
        self._is_queue = ":sqs:" in shown.get("EventSourceArn", "")
        self._counts = "EventCount" in (shown.get("MetricsConfig") or {}).get("Metrics", ())

    def polled(self, events: int, filtered_out: int) -> None:
        self.count("PolledEventCount", events)
        self.count("FilteredOutEventCount", filtered_out)

    def invoking(self, batch: Batch) -> None:
        if batch.shard and batch.records:
            age_ms = max(0, self._node.clock.now_ms() - batch.records[-1].at_ms)
            functions(self._node).metrics.count(self._ref, "IteratorAge", age_ms, "Milliseconds")

    def handled(self, batch: Batch, outcome: Outcome) -> None:
        """How an invocation with these events went."""
        if isinstance(outcome, NotNow):
            return
        events = len(batch.records)
        failed = 0 if isinstance(outcome, Handled) else len(outcome.failed) if isinstance(outcome, PartlyHandled) else events
        self.count("InvokedEventCount", events)
        self.count("FailedInvokeEventCount", failed)
        if self._is_queue:
            self.count("DeletedEventCount", events - failed)

    def told(self, events: int) -> dict[str, Any]:
        """What the job says that tells of events that were given up, so that they are counted when it is done."""
        return {"mapping": self._uuid, "events": events} if self._counts else {}

    def count(self, name: str, value: float) -> None:
        if self._counts:
            self._node.meter.add(self._ref.account, self._ref.region, NAMESPACE, name, (("EventSourceMappingUUID", self._uuid),), value, "Count")
