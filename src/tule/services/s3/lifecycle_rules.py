"""What a lifecycle configuration may say.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.ids import Ids
from tule.services.s3 import errors

_MOST = 1000
_DAY_S = 86_400
_CLASSES = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_LEAST_DAYS = 30
_MOST_NEWER = 100
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
    _check_transitions(rule.get("Transitions") or ())
    _check_order(rule)
    _check_noncurrent(rule)
    _check_untagged(rule)
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


def _check_transitions(transitions: Sequence[Mapping[str, Any]]) -> None:
    for transition in transitions:
        _check_one_of(transition, "Days", "Date")
        _check_date(transition)
        storage_class = transition.get("StorageClass")
        if storage_class not in _CLASSES:
            raise errors.malformed_xml()
        days = transition.get("Days", _LEAST_DAYS)
        if days < 0:
            raise errors.invalid_argument("'Days' in Transition action must be nonnegative", "Days", str(days))
        if days < _LEAST_DAYS and storage_class in _INFREQUENT:
            message = f"'Days' in Transition action must be greater than or equal to {_LEAST_DAYS} for storageClass '{storage_class}'"
            raise errors.invalid_argument(message, "Days", str(days))


def _check_order(rule: Mapping[str, Any]) -> None:
    """Objects expire after they moved, both by days or both by dates."""
    expiration, transitions = rule.get("Expiration") or {}, rule.get("Transitions") or ()
    kinds = {name for each in (expiration, *transitions) for name in ("Days", "Date") if name in each}
    if len(kinds) > 1:
        message = f"Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for {_shown(rule)}"
        raise errors.invalid_request(message)
    for kind in kinds & expiration.keys():
        if any(each[kind] >= expiration[kind] for each in transitions):
            message = f"'{kind}' in the Expiration action for {_shown(rule)} must be greater than '{kind}' in the Transition action"
            raise errors.invalid_argument(message, kind, str(expiration[kind]))


def _shown(rule: Mapping[str, Any]) -> str:
    """The rule's filter or prefix, as S3's messages name it."""
    if "Prefix" in rule:
        return f"prefix '{rule['Prefix']}'"
    given = rule.get("Filter") or {}
    return f"filter '(prefix={(given.get('And') or given).get('Prefix', '')})'"


def _check_noncurrent(rule: Mapping[str, Any]) -> None:
    older = rule.get("NoncurrentVersionExpiration") or {}
    if older.get("NoncurrentDays", 1) <= 0:
        raise errors.invalid_argument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer", "NoncurrentDays")
    for name, each in (
        ("NoncurrentVersionExpiration", older),
        *(("NoncurrentVersionTransition", each) for each in rule.get("NoncurrentVersionTransitions") or ()),
    ):
        if not 1 <= each.get("NewerNoncurrentVersions", 1) <= _MOST_NEWER:
            message = f"'NewerNoncurrentVersions' for {name} action must be a positive integer not greater than {_MOST_NEWER}"
            raise errors.invalid_argument(message, "NewerNoncurrentVersions")
    for transition in rule.get("NoncurrentVersionTransitions") or ():
        storage_class = transition.get("StorageClass")
        if storage_class not in _CLASSES:
            raise errors.malformed_xml()
        if storage_class in _INFREQUENT and transition.get("NoncurrentDays", 0) < _LEAST_DAYS:
            message = (
                f"'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to {_LEAST_DAYS} "
                f"for storageClass '{storage_class}'"
            )
            raise errors.invalid_argument(message, "NoncurrentDays")


def _check_untagged(rule: Mapping[str, Any]) -> None:
    """Uploads and delete markers have no tags, and no size."""
    abort, given = rule.get("AbortIncompleteMultipartUpload"), rule.get("Filter") or {}
    if abort is not None and abort.get("DaysAfterInitiation", 0) <= 0:
        message = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"
        raise errors.invalid_argument(message, "DaysAfterInitiation")
    both = given.get("And") or given
    is_of_marker = (rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker") is not None
    for name, there in (("AbortIncompleteMultipartUpload", abort is not None), ("ExpiredObjectDeleteMarker", is_of_marker)):
        if there and ("Tag" in both or "Tags" in both):
            raise errors.invalid_request(f"{name} cannot be specified with Tags.")
        if there and ("ObjectSizeGreaterThan" in both or "ObjectSizeLessThan" in both):
            raise errors.invalid_request(f"{name} cannot be specified with Object Size.")


def _check_one_of(given: Mapping[str, Any], one: str, other: str) -> None:
    if (one in given) == (other in given):
        raise errors.malformed_xml()


def _check_date(given: Mapping[str, Any]) -> None:
    if given.get("Date", 0) % _DAY_S:
        raise errors.invalid_argument("'Date' must be at midnight GMT", "Date")
