"""What Lambda counts for CloudWatch, by function, by version or alias that was named, and for all functions of an account.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, .../monitoring-concurrency.html
"""

from __future__ import annotations

from collections import Counter

import orjson

from tule.backbone.claims import Claim
from tule.backbone.delivery import Done, Outcome
from tule.compute.compute import Invocation
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.node import Node
from tule.services.lambda_.names import FunctionRef, of_arn
from tule.watch.meter import Meter
from tule.watch.metric_store import Dimensions

NAMESPACE = "AWS/Lambda"
THROTTLED = "TooManyRequestsException"
RECURSIVE = "RecursiveInvocationException"

_FunctionKey = tuple[str, str, str]


class FunctionMetrics:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._running: Counter[_FunctionKey] = Counter()
        self._running_in_all: Counter[tuple[str, str]] = Counter()

    def entered(self, ref: FunctionRef) -> None:
        self._running[ref[:3]] += 1
        self._running_in_all[ref[:2]] += 1
        add, of_function = self._meter.add, (("FunctionName", ref.name),)
        add(ref.account, ref.region, NAMESPACE, "ConcurrentExecutions", of_function, self._running[ref[:3]], "Count")
        add(ref.account, ref.region, NAMESPACE, "ConcurrentExecutions", (), self._running_in_all[ref[:2]], "Count")

    def left(self, ref: FunctionRef) -> None:
        self._running_in_all[ref[:2]] -= 1
        self._running[ref[:3]] -= 1
        if not self._running[ref[:3]]:
            del self._running[ref[:3]]

    def invoked(self, ref: FunctionRef, version: str, done: Invocation) -> None:
        """An invocation that ran, well or not: errors and throttles are told as none, too, so that averages are rates."""
        failed = 0.0 if done.error is None else 1.0
        self.count(ref, "Invocations", 1.0, version=version)
        self.count(ref, "Errors", failed, version=version)
        self.count(ref, "Duration", done.duration_ms, "Milliseconds", version=version)
        self.count(ref, "Throttles", 0.0, version=version)

    def refused(self, ref: FunctionRef, error: ServiceError) -> None:
        if error.code == THROTTLED:
            self.count(ref, "Throttles", 1.0)
        elif error.code == RECURSIVE:
            self.count(ref, "RecursiveInvocationsDropped", 1.0)

    def count(self, ref: FunctionRef, name: str, value: float, unit: str = "Count", *, version: str = "") -> None:
        """`version` is what the alias stood for that was named, if one was."""
        for dimensions in _dimensions(ref, version):
            self._meter.add(ref.account, ref.region, NAMESPACE, name, dimensions, value, unit)


def sent(node: Node, claim: Claim, outcome: Outcome, is_dead: bool) -> None:
    """How an attempt to bring an event to a destination or a dead letter target went: each that fails counts."""
    del is_dead
    if claim.kind != targets.SEND:
        return
    ref, payload = of_arn(claim.source_arn), orjson.loads(claim.payload)
    if isinstance(outcome, Done):
        if (uuid := payload["letter"].get("mapping")) is not None:
            of_mapping = (("EventSourceMappingUUID", uuid),)
            told, events = "OnFailureDestinationDeliveredEventCount", payload["letter"]["events"]
            node.meter.add(ref.account, ref.region, NAMESPACE, told, of_mapping, events, "Count")
        return
    name = "DeadLetterErrors" if "MessageAttributes" in payload["settings"] else "DestinationDeliveryFailures"
    for dimensions in _dimensions(ref, ""):
        node.meter.add(ref.account, ref.region, NAMESPACE, name, dimensions, 1.0, "Count")


def _dimensions(ref: FunctionRef, version: str) -> tuple[Dimensions, ...]:
    function = ("FunctionName", ref.name)
    resource = ("Resource", f"{ref.name}:{ref.qualifier}" if ref.qualifier else ref.name)
    ways = (), (function,), (function, resource)
    if not version or not ref.qualifier or ref.qualifier == version:
        return ways
    return *ways, (("ExecutedVersion", version), function, resource)
