"""What EventBridge counts for CloudWatch, by rule.

Rules of the default bus are named alone, those of others with their bus.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from __future__ import annotations

from collections.abc import Sequence

from tule.backbone.claims import Claim
from tule.backbone.delivery import Done, Outcome, Retry
from tule.platform import targets
from tule.platform.node import Node
from tule.services.events.names import BusRef, rule_of
from tule.watch.meter import Meter
from tule.watch.metric_store import Dimensions

NAMESPACE = "AWS/Events"


def matched(meter: Meter, bus: BusRef, rules: Sequence[str]) -> None:
    """An event met these rules' patterns."""
    for name in rules:
        _count(meter, bus, name, "MatchedEvents")
        _count(meter, bus, name, "TriggeredRules")


def triggered(meter: Meter, bus: BusRef, rule: str) -> None:
    """A rule ran by its schedule."""
    _count(meter, bus, rule, "TriggeredRules")


def sent(node: Node, claim: Claim, outcome: Outcome, is_dead: bool) -> None:
    """How an attempt to bring an event to a rule's target, or to its dead letter queue, went."""
    if ":rule/" not in claim.source_arn:
        return
    bus, rule = rule_of(claim.source_arn)
    if claim.kind == targets.DEAD_LETTER:
        if isinstance(outcome, Done):
            _count(node.meter, bus, rule, "InvocationsSentToDlq")
        elif is_dead:
            _count(node.meter, bus, rule, "InvocationsFailedToBeSentToDlq")
    elif is_dead or isinstance(outcome, Done):
        _count(node.meter, bus, rule, "Invocations")
        if is_dead:
            _count(node.meter, bus, rule, "FailedInvocations")
    elif isinstance(outcome, Retry) and outcome.counts:
        _count(node.meter, bus, rule, "RetryInvocationAttempts")


def _count(meter: Meter, bus: BusRef, rule: str, name: str) -> None:
    of_rule: Dimensions = (("RuleName", rule),)
    for dimensions in ((), of_rule) if bus.is_default else ((), (("EventBusName", bus.name), *of_rule)):
        meter.add(bus.account, bus.region, NAMESPACE, name, dimensions, 1.0, "Count")
