"""What a notification configuration may say.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tule.core import arn
from tule.core.ids import Ids
from tule.services.s3 import errors
from tule.services.s3.events import DESTINATIONS, affixes, matches

_SERVICES = {"LambdaFunctionArn": ("lambda", "CloudFunction"), "QueueArn": ("sqs", "Queue"), "TopicArn": ("sns", "Topic")}
EVENTS = frozenset(
    f"s3:{name}"
    for name in (
        "TestEvent",
        "ReducedRedundancyLostObject",
        "ObjectCreated:*",
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:*",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRestore:*",
        "ObjectRestore:Post",
        "ObjectRestore:Completed",
        "ObjectRestore:Delete",
        "Replication:*",
        "Replication:OperationFailedReplication",
        "Replication:OperationNotTracked",
        "Replication:OperationMissedThreshold",
        "Replication:OperationReplicatedAfterThreshold",
        "LifecycleTransition",
        "IntelligentTiering",
        "ObjectAcl:Put",
        "LifecycleExpiration:*",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "ObjectTagging:*",
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
    )
)


def checked(configuration: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """The configuration as it is stored and answered: ids given, filter names capitalized.  Raises InvalidArgument."""
    stored: dict[str, Any] = {}
    for member, destination in DESTINATIONS:
        rules = [_rule(rule, destination, ids) for rule in configuration.get(member) or ()]
        if rules:
            stored[member] = rules
    if "EventBridgeConfiguration" in configuration:
        stored["EventBridgeConfiguration"] = {}
    _check_ids(stored)
    _check_overlaps(stored)
    return stored


def destinations_of(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(service, ARN) of each destination, each once, in the order in which S3 looks at them."""
    seen: set[str] = set()
    for member, destination in DESTINATIONS:
        for rule in configuration.get(member, ()):
            if rule[destination] not in seen:
                seen.add(rule[destination])
                yield _SERVICES[destination][0], rule[destination]


def _rule(rule: Mapping[str, Any], destination: str, ids: Ids) -> dict[str, Any]:
    target = rule[destination]
    service, argument = _SERVICES[destination]
    if not arn.is_arn(target) or arn.parse(target).service != service:
        raise errors.invalid_argument("The ARN could not be parsed", argument, target)
    for event in rule["Events"]:
        if event not in EVENTS:
            raise errors.invalid_argument("The event is not supported for notifications", "Event", event)
    stored: dict[str, Any] = {"Id": rule.get("Id") or ids.uuid(), destination: target, "Events": list(rule["Events"])}
    if len(stored["Id"]) > 255:
        raise errors.invalid_argument("The maximum length of the configuration Id is 255", "Id", stored["Id"])
    if filters := _filters(rule):
        stored["Filter"] = {"Key": {"FilterRules": filters}}
    return stored


def _filters(rule: Mapping[str, Any]) -> list[dict[str, str]]:
    given = ((rule.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    found: dict[str, str] = {}
    for entry in given:
        name = entry.get("Name", "")
        if name.lower() not in ("prefix", "suffix"):
            raise errors.invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", name)
        if name.capitalize() in found:
            raise errors.invalid_argument("Cannot specify more than one " + name.lower() + " rule in a filter.", "FilterRule.Name", name)
        value = entry.get("Value", "")
        if len(value.encode()) > 1024:
            raise errors.invalid_argument("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation", "FilterRule.Value", value)
        found[name.capitalize()] = value
    return [{"Name": name, "Value": value} for name, value in found.items()]


def _all_rules(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [rule for member, _ in DESTINATIONS for rule in configuration.get(member, ())]


def _check_ids(configuration: Mapping[str, Any]) -> None:
    found = [rule["Id"] for rule in _all_rules(configuration)]
    if len(set(found)) != len(found):
        raise errors.invalid_argument("Same ID used for multiple configurations. IDs must be unique", "Id")


def _check_overlaps(configuration: Mapping[str, Any]) -> None:
    """Two rules may not both apply to one change, as each object's event goes to one destination only."""
    rules = _all_rules(configuration)
    for i, one in enumerate(rules):
        for other in rules[i + 1 :]:
            if _same_events(one, other) and _same_keys(one, other):
                raise errors.invalid_argument("Configurations overlap. Configurations on the same bucket cannot share a common event type.", "Event")


def _same_events(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return any(matches(a, b.removeprefix("s3:")) or matches(b, a.removeprefix("s3:")) for a in one["Events"] for b in other["Events"])


def _same_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether some key passes both filters, as S3 judges it: prefixes overlap and suffixes overlap."""
    (prefix, suffix), (other_prefix, other_suffix) = affixes(one), affixes(other)
    prefixes_meet = prefix.startswith(other_prefix) or other_prefix.startswith(prefix)
    suffixes_meet = suffix.endswith(other_suffix) or other_suffix.endswith(suffix)
    return prefixes_meet and suffixes_meet
