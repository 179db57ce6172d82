"""Targets of rules: what they are given of an event, and how it is brought there.

A target's record is what PutTargets got.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html and eb-rule-event-delivery.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tule.backbone.jobs import Job
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.lang import event_paths, input_templates
from tule.lang.event_paths import MISSING
from tule.lang.input_templates import NotJson
from tule.platform import targets
from tule.services.events.names import BusRef
from tule.services.events.state import Record
from tule.services.events.times import event_ms

SERVICE = "events.amazonaws.com"
RELAY = "relay"  # a job that brings an event to another bus
CALL = "call"  # a job that calls an API destination
BROKEN = "broken"  # a job that nothing can come of
MAX_RETRIES = 185
MAX_AGE_S = 86_400

Event = Mapping[str, Any]
Settings = Callable[[Event], dict[str, Any]]
Rendering = Callable[[Event, str, int], str]  # of the event, its JSON and when it came: what the target gets


@dataclass(slots=True, frozen=True)
class CompiledTarget:
    """`job` makes the work of one event.  `letter` says how a dead one is written, `settings` what the target needs besides the text."""

    rule: Record
    arn: str
    kind: str
    role: str
    dead_letter: str
    attempts: int
    max_age_ms: int
    render: Rendering
    settings: Settings
    letter: Mapping[str, Any]

    @property
    def is_bus(self) -> bool:
        return self.kind == RELAY

    def job(self, ref: BusRef, event: Event, text: str, ingested_ms: int, now_ms: int, trace: str | None) -> Job:
        try:
            output, target, kind = self.render(event, text, ingested_ms), self.arn, self.kind
        except NotJson as error:  # nothing to be delivered, but something to be seen
            output, target, kind = str(error), self.rule["arn"], BROKEN
        job = targets.job(
            target,
            output,
            account=ref.account,
            region=ref.region,
            source_service=SERVICE,
            source_arn=self.rule["arn"],
            role=self.role,
            settings=self.settings(event),
            dead_letter=self.dead_letter,
            letter=self.letter,
            max_attempts=self.attempts,
            expires_ms=now_ms + self.max_age_ms,
            trace=trace,
        )
        return job if kind == targets.SEND else replace(job, kind=kind)


def compile_target(rule: Record, target: Record) -> CompiledTarget:
    """Raises InvalidTemplate and InvalidPath."""
    policy: Record = target.get("RetryPolicy", {})
    attributes = {"RULE_ARN": rule["arn"], "TARGET_ARN": target["Arn"]}
    return CompiledTarget(
        rule=rule,
        arn=target["Arn"],
        kind=_kind(target["Arn"]),
        role=target.get("RoleArn") or rule.get("role", ""),
        dead_letter=target.get("DeadLetterConfig", {}).get("Arn", ""),
        attempts=1 + policy.get("MaximumRetryAttempts", MAX_RETRIES),
        max_age_ms=policy.get("MaximumEventAgeInSeconds", MAX_AGE_S) * 1000,
        render=_rendering(rule, target),
        settings=_settings(target),
        letter={"attributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}, "errors": True},
    )


def _settings(target: Record) -> Settings:
    """What the target needs besides the text, by AWS's names."""
    match arns.parse(target["Arn"]).service:
        case "events" if "HttpParameters" in target:
            return lambda event: _http_parameters(target["HttpParameters"], event)
        case "sqs" if "SqsParameters" in target:
            return lambda event: {"MessageGroupId": _dynamic(target["SqsParameters"].get("MessageGroupId", ""), event)}
        case "kinesis":
            return lambda event: {"PartitionKey": _partition_key(target.get("KinesisParameters"), event)}
        case "logs":
            return lambda event: {"LogStreamName": event["id"], "Timestamp": event_ms(event)}
        case _:
            return lambda event: {}


def _kind(arn: str) -> str:
    parsed = arns.parse(arn)
    if parsed.service == "events":
        return {"event-bus": RELAY, "api-destination": CALL}.get(parsed.resource_type, targets.SEND)
    return targets.SEND


def _rendering(rule: Record, target: Record) -> Rendering:
    if "Input" in target:
        return lambda event, text, ingested_ms: target["Input"]
    if "InputPath" in target:
        path = event_paths.parse(target["InputPath"])
        return lambda event, text, ingested_ms: _at(path, event)
    if "InputTransformer" in target:
        return _transformation(rule, target["InputTransformer"])
    return lambda event, text, ingested_ms: text


def _at(path: event_paths.EventPath, event: Event) -> str:
    found = path.find(event)
    return "{}" if found is MISSING else input_templates.dumps(found)


def _transformation(rule: Record, transformer: Record) -> Rendering:
    template = input_templates.compile(transformer["InputTemplate"], transformer.get("InputPathsMap", {}))
    named = {input_templates.RULE_ARN: rule["arn"], input_templates.RULE_NAME: rule["name"]}
    return lambda event, text, ingested_ms: template.render(event, {**named, input_templates.INGESTION_TIME: iso8601(ingested_ms)})


def _dynamic(text: str, event: Event) -> str:
    """A parameter that may be a path into the event.  AWS: eb-targets.html, dynamic path parameters."""
    if not text.startswith("$."):
        return text
    found = event_paths.parse(text).find(event)
    if found is MISSING:
        return ""
    return found if isinstance(found, str) else input_templates.dumps(found)


def _http_parameters(parameters: Record, event: Event) -> dict[str, Any]:
    return {
        "PathParameterValues": [_dynamic(value, event) for value in parameters.get("PathParameterValues", ())],
        "HeaderParameters": {name: _dynamic(value, event) for name, value in parameters.get("HeaderParameters", {}).items()},
        "QueryStringParameters": {name: _dynamic(value, event) for name, value in parameters.get("QueryStringParameters", {}).items()},
    }


def _partition_key(parameters: Record | None, event: Event) -> str:
    """The event's id, when no path is given or nothing is there."""
    return (_dynamic(parameters["PartitionKeyPath"], event) if parameters else "") or event["id"]
