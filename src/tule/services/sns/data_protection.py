"""Data protection policies: what a topic does about sensitive data in the text of its messages.

A statement looks at what certain publishers send in, or certain subscribers get, and audits, masks, redacts or denies it.
Policies are compiled with their topic; a topic without one costs nothing.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-data-protection-policies.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.core.clock import iso8601
from tule.services.sns import data_identifiers
from tule.services.sns.data_identifiers import ARN_PREFIX, Identifier
from tule.services.sns.message import Message

Finding = dict[str, Any]
Span = tuple[int, int]

_EVERYBODY = "*"


class Denied(Exception):
    """A statement denies the message."""


@dataclass(slots=True, frozen=True)
class Audit:
    """`rate` is of a hundred messages; destinations are as in the policy."""

    rate: int
    findings: Mapping[str, Any]
    no_findings: Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Statement:
    principals: frozenset[str]
    identifiers: Mapping[str, Identifier]
    denies: bool = False
    mask: str | None = None  # in place of each character; empty takes them away
    audit: Audit | None = None

    def is_for(self, *names: str) -> bool:
        return _EVERYBODY in self.principals or not self.principals.isdisjoint(names)

    def found(self, text: str) -> dict[str, list[Span]]:
        """Where what was found, by identifier."""
        spans = {name: identifier.spans(text) for name, identifier in self.identifiers.items()}
        return {name: each for name, each in spans.items() if each}


@dataclass(slots=True, frozen=True)
class Protection:
    inbound: Sequence[Statement]
    outbound: Sequence[Statement]


def compiled(text: str) -> Protection | None:
    """None for a policy that does nothing."""
    policy: dict[str, Any] = orjson.loads(text) if text else {}
    own = {each.get("Name", ""): each.get("Regex", "") for each in policy.get("Configuration", {}).get("CustomDataIdentifier", [])}
    by_direction: dict[str, list[Statement]] = {"Inbound": [], "Outbound": []}
    for statement in policy.get("Statement", []):
        by_direction.setdefault(statement.get("DataDirection", ""), []).append(_statement(statement, own))
    if not by_direction["Inbound"] and not by_direction["Outbound"]:
        return None
    return Protection(by_direction["Inbound"], by_direction["Outbound"])


def check(policy: Any) -> str:
    """What is wrong with a policy; empty when nothing is."""
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement", []), list):
        return "the policy has no list of statements"
    for statement in policy.get("Statement", []):
        if not isinstance(statement, dict) or statement.get("DataDirection") not in ("Inbound", "Outbound"):
            return "DataDirection must be Inbound or Outbound"
        operation = statement.get("Operation")
        if not isinstance(operation, dict) or len(operation) != 1 or next(iter(operation)) not in ("Audit", "Deidentify", "Deny"):
            return "Operation must be one of Audit, Deidentify and Deny"
        if "Audit" in operation and statement["DataDirection"] != "Inbound":
            return "Audit is for inbound messages only"
    return _check_own(policy.get("Configuration", {}).get("CustomDataIdentifier", []))


def _check_own(identifiers: Sequence[Mapping[str, str]]) -> str:
    for each in identifiers:
        try:
            data_identifiers.custom(each.get("Regex", ""))
        except ValueError as error:
            return f"Regex of {each.get('Name', '')} is invalid: {error}"
    return ""


def _statement(statement: Mapping[str, Any], own: Mapping[str, str]) -> Statement:
    operation: Mapping[str, Any] = statement["Operation"]
    identifiers: dict[str, Identifier] = {}
    for arn in statement.get("DataIdentifier", []):
        name = str(arn).removeprefix(ARN_PREFIX)
        identifier = data_identifiers.custom(own[name]) if name in own else data_identifiers.managed(name)
        if identifier is not None:
            identifiers[name] = identifier
    found = Statement(frozenset(statement.get("Principal", [_EVERYBODY])), identifiers)
    if "Deny" in operation:
        return replace(found, denies=True)
    if "Deidentify" in operation:
        masked = operation["Deidentify"].get("MaskConfig")
        return replace(found, mask="" if masked is None else masked.get("MaskWithCharacter", "#"))
    audit = operation["Audit"]
    return replace(found, audit=Audit(int(audit.get("SampleRate", 99)), audit.get("FindingsDestination", {}), audit.get("NoFindingsDestination", {})))


def taken_in(protection: Protection, publisher: Principal, text: str) -> str:
    """The text as the topic takes it.  Raises Denied."""
    return _applied([each for each in protection.inbound if each.is_for(publisher.arn, publisher.entity_arn)], text)


def given_out(protection: Protection, subscriber: str, message: Message) -> Message:
    """The message as a subscriber gets it; `subscriber` is who subscribed.  Raises Denied."""
    statements = [each for each in protection.outbound if each.is_for(subscriber)]
    if not statements:
        return message
    text = _applied(statements, message.text)
    texts = None if message.texts is None else {protocol: _applied(statements, each) for protocol, each in message.texts.items()}
    return replace(message, text=text, texts=texts)


def _applied(statements: Sequence[Statement], text: str) -> str:
    if any(each.denies and each.found(text) for each in statements):
        raise Denied
    for statement in statements:
        if statement.mask is not None:
            text = _masked(text, statement)
    return text


def _masked(text: str, statement: Statement) -> str:
    """From the end on, so that places stay what they are; where findings overlap, each character is masked once."""
    before = len(text)
    for start, end in sorted((span for spans in statement.found(text).values() for span in spans), key=lambda span: (span[1], span[0]), reverse=True):
        last = min(end, before)
        if start < last:
            text = text[:start] + (statement.mask or "") * (last - start) + text[last:]
            before = start
    return text


def audits(
    protection: Protection, publisher: Principal, topic_arn: str, id: str, text: str, now_ms: int, chance: Callable[[], int]
) -> list[tuple[Mapping[str, Any], Finding]]:
    """Destinations, and what they are told.  `chance` is a number below a hundred."""
    told: list[tuple[Mapping[str, Any], Finding]] = []
    for statement in protection.inbound:
        audit = statement.audit
        if audit is None or not statement.is_for(publisher.arn, publisher.entity_arn) or chance() >= audit.rate:
            continue
        found = statement.found(text)
        destination = audit.findings if found else audit.no_findings
        if destination:
            told.append((destination, _finding(publisher, topic_arn, id, found, now_ms)))
    return told


def _finding(publisher: Principal, topic_arn: str, id: str, found: Mapping[str, Sequence[Span]], now_ms: int) -> Finding:
    return {
        "messageId": id,
        "auditTimestamp": f"{iso8601(now_ms)[:19]}Z",
        "callerPrincipal": publisher.arn,
        "resourceArn": topic_arn,
        "dataIdentifiers": [
            {"name": name, "count": len(spans), "detections": [{"start": start, "end": end} for start, end in spans]} for name, spans in found.items()
        ],
    }
