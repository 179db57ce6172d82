"""From an event to the jobs that bring it to the targets of the rules that it matches.

Rules are compiled once for each bus and kept in memory; the bus's version, read in the transaction that matches, says
whether they are still the bus's.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.backbone.jobs import enqueue
from tule.lang import event_patterns
from tule.lang.event_patterns import PatternSet
from tule.platform.encryption import KeyRefused
from tule.services.events import encryption, metrics, rules, state
from tule.services.events.encryption import Held, Keyring, Lock
from tule.services.events.names import BusRef, rule_of
from tule.services.events.targets import CompiledTarget, compile_target
from tule.services.events.times import event_ms
from tule.store.store import Tx
from tule.watch.meter import Meter

log = logging.getLogger("tule.events")

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
    archive_lock: Lock | None
    targets: tuple[CompiledTarget, ...]


@dataclass(slots=True, frozen=True)
class _CompiledBus:
    version: str
    patterns: PatternSet[CompiledRule]
    lock: Lock | None = None
    dead_letter: str = ""


class Matcher:
    """One for each node."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._buses: OrderedDict[BusRef, _CompiledBus] = OrderedDict()

    def ingest(self, tx: Tx, ref: BusRef, incoming: Incoming, keyring: Keyring) -> None:
        """Record what the event causes.  A bus that is not there takes events as well, and nothing comes of them.  Raises Needed."""
        compiled, held = self._compiled(tx, ref), None
        if compiled.lock is not None and encryption.is_encrypted(incoming.event):
            held = keyring.of(compiled.lock)
            if held.refusal is not None:
                _bury(tx, ref, compiled.dead_letter, incoming, held.refusal)
                return
        matched = compiled.patterns.matching(incoming.event)
        if not matched:
            return
        text = orjson.dumps(incoming.event)
        if incoming.only is not None:
            matched = [rule for rule in matched if rule.arn in incoming.only]
        counted = [rule.name for rule in matched if not rule.archive]
        tx.after_commit(lambda: metrics.matched(self._meter, ref, counted))
        for rule in matched:
            if rule.archive:
                _archive(tx, ref, rule, incoming, text, keyring)
            send_to_targets(tx, ref, rule, incoming, text.decode(), compiled.lock, held)

    def forget(self) -> None:
        self._buses.clear()

    def _compiled(self, tx: Tx, ref: BusRef) -> _CompiledBus:
        version = state.version(tx, ref)
        found = self._buses.get(ref)
        if found is None or found.version != version:
            found = _compiled_bus(tx, ref, version) if version else _CompiledBus(version, PatternSet(()))
            self._buses[ref] = found
            if len(self._buses) > MAX_BUSES:
                self._buses.popitem(last=False)
        return found


def _compiled_bus(tx: Tx, ref: BusRef, version: str) -> _CompiledBus:
    record = state.bus(tx, ref) or {}
    lock, dead_letter = encryption.lock_of(record.get("KmsKeyIdentifier"), ref), record.get("DeadLetterConfig", {}).get("Arn", "")
    return _CompiledBus(version, PatternSet(_compiled_rules(tx, ref)), lock, dead_letter)


def _compiled_rules(tx: Tx, ref: BusRef) -> list[tuple[CompiledRule, event_patterns.Pattern]]:
    return [
        (compiled_rule(rule), event_patterns.compile(rule["pattern"]))
        for rule in state.rules(tx, ref)
        if rules.is_enabled(rule) and "pattern" in rule
    ]


def compiled_rule(rule: state.Record) -> CompiledRule:
    targets = tuple(compile_target(rule, target) for target in rule["targets"].values()) if "archive" not in rule else ()
    lock = encryption.lock_of(rule.get("archive_key"), rule_of(rule["arn"])[0])
    return CompiledRule(rule["arn"], rule["name"], rule.get("archive", ""), lock, targets)


def _bury(tx: Tx, ref: BusRef, queue: str, incoming: Incoming, refusal: KeyRefused) -> None:
    """An event that cannot be encrypted goes no further than to the bus's dead letter queue."""
    log.warning("An event on %s cannot be encrypted: %s", ref.arn, refusal.message)
    if queue:
        enqueue(tx, encryption.letter(ref, queue, orjson.dumps(incoming.event).decode(), refusal))


def _archive(tx: Tx, ref: BusRef, rule: CompiledRule, incoming: Incoming, text: bytes, keyring: Keyring) -> None:
    """Raises Needed."""
    if rule.archive_lock is not None:
        vault, refusal = keyring.of(rule.archive_lock)
        if vault is None:
            log.warning("An event on %s cannot be archived: %s", ref.arn, refusal)
            return
        text = vault.seal(text, tx.ids)
    state.archive(tx, ref.account, ref.region, rule.archive, event_ms(incoming.event), incoming.event["id"], text)


def send_to_targets(
    tx: Tx, ref: BusRef, rule: CompiledRule, incoming: Incoming, text: str, lock: Lock | None = None, held: Held | None = None
) -> None:
    """One job for each target.  `text` is the event's JSON; where something is `held`, it is encrypted under `lock`."""
    for target in rule.targets:
        if incoming.relayed and target.is_bus:
            continue  # AWS: an event goes from one bus to another, and not on to a third
        job = target.job(ref, incoming.event, text, incoming.ingested_ms, tx.now_ms, incoming.trace)
        if held is not None and held.vault is not None and lock is not None:
            job = encryption.sealed(tx, job, lock, held.vault, rule.arn)
        enqueue(tx, job)
