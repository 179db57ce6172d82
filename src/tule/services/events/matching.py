"""From an event to the jobs that bring it to the targets of the rules that it matches.

Rules are compiled once for each bus and kept in memory; the bus's version, read in the transaction that matches, says
whether they are still the bus's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.backbone.jobs import enqueue
from tule.lang import event_patterns
from tule.lang.event_patterns import PatternSet
from tule.services.events import metrics, rules, state
from tule.services.events.names import BusRef
from tule.services.events.targets import CompiledTarget, compile_target
from tule.services.events.times import event_ms
from tule.store.store import Tx
from tule.watch.meter import Meter

MAX_BUSES = 2_000  # whose rules are kept compiled


@dataclass(slots=True, frozen=True)
class Incoming:
    """An event on its way to a bus.  `event` is the whole of it, as targets see it.

    `ingested_ms` is when EventBridge got it; `relayed` marks one that came from another bus and goes to no further one;
    `only` are the rules that a replay is for (None: all).
    """

    event: Mapping[str, Any]
    ingested_ms: int
    trace: str | None = None
    relayed: bool = False
    only: frozenset[str] | None = None


@dataclass(slots=True, frozen=True)
class CompiledRule:
    arn: str
    name: str
    archive: str
    targets: tuple[CompiledTarget, ...]


@dataclass(slots=True, frozen=True)
class _CompiledBus:
    version: str
    patterns: PatternSet[CompiledRule]


class Matcher:
    """One for each node."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._buses: OrderedDict[BusRef, _CompiledBus] = OrderedDict()

    def ingest(self, tx: Tx, ref: BusRef, incoming: Incoming) -> None:
        """Record what the event causes.  A bus that is not there takes events as well, and nothing comes of them."""
        matched = self._compiled(tx, ref).patterns.matching(incoming.event)
        if not matched:
            return
        text = orjson.dumps(incoming.event)
        if incoming.only is not None:
            matched = [rule for rule in matched if rule.arn in incoming.only]
        counted = [rule.name for rule in matched if not rule.archive]
        tx.after_commit(lambda: metrics.matched(self._meter, ref, counted))
        for rule in matched:
            if rule.archive:
                state.archive(tx, ref.account, ref.region, rule.archive, event_ms(incoming.event), incoming.event["id"], text)
            send_to_targets(tx, ref, rule, incoming, text.decode())

    def forget(self) -> None:
        self._buses.clear()

    def _compiled(self, tx: Tx, ref: BusRef) -> _CompiledBus:
        version = state.version(tx, ref)
        found = self._buses.get(ref)
        if found is None or found.version != version:
            found = _CompiledBus(version, PatternSet(_compiled_rules(tx, ref)) if version else PatternSet(()))
            self._buses[ref] = found
            if len(self._buses) > MAX_BUSES:
                self._buses.popitem(last=False)
        return found


def _compiled_rules(tx: Tx, ref: BusRef) -> list[tuple[CompiledRule, event_patterns.Pattern]]:
    return [
        (compiled_rule(rule), event_patterns.compile(rule["pattern"]))
        for rule in state.rules(tx, ref)
        if rules.is_enabled(rule) and "pattern" in rule
    ]


def compiled_rule(rule: state.Record) -> CompiledRule:
    targets = tuple(compile_target(rule, target) for target in rule["targets"].values()) if "archive" not in rule else ()
    return CompiledRule(rule["arn"], rule["name"], rule.get("archive", ""), targets)


def send_to_targets(tx: Tx, ref: BusRef, rule: CompiledRule, incoming: Incoming, text: str) -> None:
    """One job for each target.  `text` is the event's JSON."""
    for target in rule.targets:
        if incoming.relayed and target.is_bus:
            continue  # AWS: an event goes from one bus to another, and not on to a third
        enqueue(tx, target.job(ref, incoming.event, text, incoming.ingested_ms, tx.now_ms, incoming.trace))
