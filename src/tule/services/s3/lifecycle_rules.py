"""What a lifecycle configuration may say.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.ids import Ids
from tule.services.s3 import errors

_MOST = 1000
_DAY_S = 86_400
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)


def checked(rules: Sequence[Mapping[str, Any]], ids: Ids) -> list[dict[str, Any]]:
    """The rules as they are stored, with an id each.  Raises MalformedXML, InvalidRequest or InvalidArgument."""
    if not 1 <= len(rules) <= _MOST:
        raise errors.malformed_xml()
    found = [_checked(rule, ids) for rule in rules]
    names = [rule["ID"] for rule in found]
    if len(set(names)) != len(names):
        raise errors.invalid_argument("Rule ID must be unique. Found same ID for more than one rule", "ID")
    return found


def _checked(rule: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise errors.malformed_xml()
    if not any(rule.get(action) for action in _ACTIONS):
        raise errors.invalid_request("At least one action needs to be specified in a rule")
    if "Filter" in rule and "Prefix" in rule:
        raise errors.malformed_xml()
    if len(rule.get("ID", "")) > 255:
        raise errors.invalid_argument("ID length should not exceed allowed limit of 255", "ID")
    _check_filter(rule.get("Filter") or {})
    _check_expiration(rule.get("Expiration") or {})
    for transition in rule.get("Transitions") or ():
        _check_one_of(transition, "Days", "Date")
        _check_date(transition)
    older = rule.get("NoncurrentVersionExpiration") or {}
    if older.get("NoncurrentDays", 1) <= 0:
        raise errors.invalid_argument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer", "NoncurrentDays")
    return {**rule, "ID": rule.get("ID") or ids.uuid()}


def _check_filter(given: Mapping[str, Any]) -> None:
    if len(given) > 1:
        raise errors.malformed_xml()
    both = given.get("And")
    if both is not None and len(both) + len(both.get("Tags", ())) - ("Tags" in both) < 2:
        raise errors.malformed_xml()


def _check_expiration(given: Mapping[str, Any]) -> None:
    if not given:
        return
    if sum(name in given for name in ("Days", "Date", "ExpiredObjectDeleteMarker")) != 1:
        raise errors.malformed_xml()
    if given.get("Days", 1) <= 0:
        raise errors.invalid_argument("'Days' for Expiration action must be a positive integer", "Days")
    _check_date(given)


def _check_one_of(given: Mapping[str, Any], one: str, other: str) -> None:
    if (one in given) == (other in given):
        raise errors.malformed_xml()


def _check_date(given: Mapping[str, Any]) -> None:
    if given.get("Date", 0) % _DAY_S:
        raise errors.invalid_argument("'Date' must be at midnight GMT", "Date")
