"""What lifecycle rules ask for: when a version expires, becomes of another class, or goes.  Pure; `lifecycle_run.py` does it.

Days are counted from a version's creation, or from when it became noncurrent, and end at the next midnight UTC.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html and lifecycle-transition-general-considerations.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

DAY_MS = 86_400_000
_SMALL = 128 * 1024
_ANY_SIZE = ("GLACIER", "DEEP_ARCHIVE")  # classes to which small objects go where the minimum varies by class
# A transition goes down this list only.
_ORDER = ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")


class Subject(NamedTuple):
    """A version as rules see it.  `since_ms`: created, or noncurrent since; `newer`: how many noncurrent versions are newer."""

    key: str
    size: int
    tags: str | None
    storage_class: str
    since_ms: int
    newer: int = 0


class Due(NamedTuple):
    at_ms: int
    rule: str


def rules_of(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The enabled rules of a bucket's configuration."""
    return [rule for rule in (config.get("Lifecycle") or {}).get("Rules", ()) if rule["Status"] == "Enabled"]


def midnight_after(ms: int) -> int:
    return ms // DAY_MS * DAY_MS + DAY_MS


def _after(since_ms: int, days: int) -> int:
    return midnight_after(since_ms + days * DAY_MS)


# Filters.


def applies(rule: Mapping[str, Any], subject: Subject) -> bool:
    """Whether a rule's filter names this version."""
    given: Mapping[str, Any] = rule.get("Filter") or {}
    both: Mapping[str, Any] = given.get("And") or given
    if not subject.key.startswith(both.get("Prefix") or rule.get("Prefix") or ""):
        return False
    if subject.size <= both.get("ObjectSizeGreaterThan", -1) or subject.size >= both.get("ObjectSizeLessThan", subject.size + 1):
        return False
    wanted = [*both.get("Tags", ()), *([both["Tag"]] if "Tag" in both else [])]
    if not wanted:
        return True
    tags: Mapping[str, str] = orjson.loads(subject.tags) if subject.tags else {}
    return all(tags.get(tag["Key"]) == tag.get("Value", "") for tag in wanted)


def _names_sizes(rule: Mapping[str, Any]) -> bool:
    given: Mapping[str, Any] = rule.get("Filter") or {}
    both: Mapping[str, Any] = given.get("And") or given
    return "ObjectSizeGreaterThan" in both or "ObjectSizeLessThan" in both


# Current versions.


def expiration(rules: Iterable[Mapping[str, Any]], subject: Subject) -> Due | None:
    """When a current version expires, by the rule that comes first."""
    found = [
        Due(at, rule["ID"]) for rule in rules if (at := _expires_at(rule.get("Expiration") or {}, subject)) is not None and applies(rule, subject)
    ]
    return min(found, default=None)


def _expires_at(action: Mapping[str, Any], subject: Subject) -> int | None:
    if "Days" in action:
        return _after(subject.since_ms, action["Days"])
    return int(action["Date"] * 1000) if "Date" in action else None


def marker_goes(rules: Iterable[Mapping[str, Any]], subject: Subject, now_ms: int) -> bool:
    """Whether a delete marker that is alone is taken away now."""
    for rule in rules:
        action: Mapping[str, Any] = rule.get("Expiration") or {}
        if not applies(rule, subject):
            continue
        if action.get("ExpiredObjectDeleteMarker"):
            return True
        at = _expires_at(action, subject)
        if at is not None and at <= now_ms:
            return True
    return False


def transition(rules: Iterable[Mapping[str, Any]], subject: Subject, now_ms: int, smallest: str) -> str | None:
    """The class that a current version is to have by now; None when it stays."""
    return _coldest(_transitions(rules, "Transitions", subject, now_ms, smallest), subject)


# Noncurrent versions.


def noncurrent_goes(rules: Iterable[Mapping[str, Any]], subject: Subject, now_ms: int) -> bool:
    for rule in rules:
        action: Mapping[str, Any] = rule.get("NoncurrentVersionExpiration") or {}
        if "NoncurrentDays" in action and _is_due(action, subject, now_ms) and applies(rule, subject):
            return True
    return False


def noncurrent_transition(rules: Iterable[Mapping[str, Any]], subject: Subject, now_ms: int, smallest: str) -> str | None:
    return _coldest(_transitions(rules, "NoncurrentVersionTransitions", subject, now_ms, smallest), subject)


def _is_due(action: Mapping[str, Any], subject: Subject, now_ms: int) -> bool:
    """Of an action on noncurrent versions: old enough, and enough newer ones stay."""
    return _after(subject.since_ms, action["NoncurrentDays"]) <= now_ms and subject.newer >= action.get("NewerNoncurrentVersions", 0)


def _transitions(rules: Iterable[Mapping[str, Any]], member: str, subject: Subject, now_ms: int, smallest: str) -> Iterator[str]:
    for rule in rules:
        for action in rule.get(member) or ():
            wanted = action["StorageClass"]
            if subject.size < _SMALL and not _names_sizes(rule) and not (smallest == "varies_by_storage_class" and wanted in _ANY_SIZE):
                continue
            if "NoncurrentDays" in action:
                due = _is_due(action, subject, now_ms)
            else:
                at = _expires_at(action, subject)
                due = at is not None and at <= now_ms
            if due and applies(rule, subject):
                yield wanted


def _coldest(wanted: Iterable[str], subject: Subject) -> str | None:
    have = _rank(subject.storage_class)
    coldest = max(wanted, key=_rank, default=None)
    return coldest if coldest is not None and _rank(coldest) > have else None


def _rank(storage_class: str) -> int:
    return _ORDER.index(storage_class) if storage_class in _ORDER else len(_ORDER)


# Uploads.


def abort(rules: Iterable[Mapping[str, Any]], key: str, initiated_ms: int) -> Due | None:
    """When an upload in progress is aborted."""
    found: list[Due] = []
    for rule in rules:
        days = (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation")
        if days is not None and key.startswith(_prefix(rule)):
            found.append(Due(_after(initiated_ms, days), rule["ID"]))
    return min(found, default=None)


def _prefix(rule: Mapping[str, Any]) -> str:
    given: Mapping[str, Any] = rule.get("Filter") or {}
    return (given.get("And") or given).get("Prefix") or rule.get("Prefix") or ""


# What answers tell.


def expiration_member(config: Mapping[str, Any], subject: Subject) -> dict[str, str]:
    """`x-amz-expiration` of a current version; nothing when no rule expires it."""
    due = expiration(rules_of(config), subject)
    if due is None:
        return {}
    return {"Expiration": f'expiry-date="{formatdate(due.at_ms // 1000, usegmt=True)}", rule-id="{quote(due.rule)}"'}


def abort_members(config: Mapping[str, Any], key: str, initiated_ms: int) -> dict[str, Any]:
    """`x-amz-abort-date` and its rule, of an upload in progress."""
    if "Lifecycle" not in config:
        return {}
    due = abort(rules_of(config), key, initiated_ms)
    return {} if due is None else {"AbortDate": due.at_ms // 1000, "AbortRuleId": due.rule}
