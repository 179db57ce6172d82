"""Properties of AWS::S3::Bucket, turned into parameters of S3's operations.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tule.core.errors import ServiceError, not_implemented
from tule.services.s3.object_lock import ENABLED

Json = dict[str, Any]
_NOT_BUILT = ("MetadataConfiguration", "MetadataTableConfiguration")


def refuse_unbuilt(properties: Mapping[str, Any]) -> None:
    """Raises NotImplemented for properties that this service cannot honour."""
    for name in _NOT_BUILT:
        if properties.get(name):
            raise not_implemented("cloudformation", f"property {name} of AWS::S3::Bucket")


class Setting(NamedTuple):
    """How a property is set, and how it is taken back when it leaves the template."""

    property: str
    operation: str
    params: Callable[[Any, str], Json]  # of the property's value and the bucket's name
    clear: str
    cleared: Mapping[str, Any] = {}


def canned_acl(value: str) -> str:
    """`BucketOwnerFullControl` is `bucket-owner-full-control`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", value).lower()


def _without_none(given: Mapping[str, Any]) -> Json:
    return {name: value for name, value in given.items() if value is not None}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    return {names.get(name, name): value for name, value in given.items()}


def _versioning(value: Any, bucket: str) -> Json:
    return {"VersioningConfiguration": {"Status": value["Status"]}}


def _encryption(value: Any, bucket: str) -> Json:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = [_renamed(rule, names) for rule in value["ServerSideEncryptionConfiguration"]]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def _cors(value: Any, bucket: str) -> Json:
    names = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {"CORSConfiguration": {"CORSRules": [_renamed(rule, names) for rule in value["CorsRules"]]}}


def _lifecycle(value: Any, bucket: str) -> Json:
    params: Json = {"LifecycleConfiguration": {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}}
    if "TransitionDefaultMinimumObjectSize" in value:
        params["TransitionDefaultMinimumObjectSize"] = value["TransitionDefaultMinimumObjectSize"]
    return params


def _lifecycle_rule(rule: Mapping[str, Any]) -> Json:
    expiration = {"Days": rule.get("ExpirationInDays"), "Date": _date(rule.get("ExpirationDate"))}
    expiration["ExpiredObjectDeleteMarker"] = rule.get("ExpiredObjectDeleteMarker")
    older = rule.get("NoncurrentVersionExpiration")
    if older is None and "NoncurrentVersionExpirationInDays" in rule:
        older = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    made: Json = {
        "ID": rule.get("Id"),
        "Status": rule["Status"],
        "Filter": _lifecycle_filter(rule),
        "Expiration": _without_none(expiration) or None,
        "Transitions": [_transition(each) for each in _one_or_more(rule, "Transition", "Transitions")] or None,
        "NoncurrentVersionExpiration": older,
        "NoncurrentVersionTransitions": [
            _noncurrent_transition(each) for each in _one_or_more(rule, "NoncurrentVersionTransition", "NoncurrentVersionTransitions")
        ]
        or None,
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return _without_none(made)


def _one_or_more(rule: Mapping[str, Any], one: str, more: str) -> Sequence[Mapping[str, Any]]:
    return [*([rule[one]] if one in rule else []), *rule.get(more, ())]


def _lifecycle_filter(rule: Mapping[str, Any]) -> Json:
    """None of the conditions is an empty filter, one stands alone, several stand in And."""
    sizes = {name: int(rule[name]) for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule}
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in rule.get("TagFilters", ())]
    prefix = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
    count = len(sizes) + len(tags) + len(prefix)
    if count > 1:
        return {"And": {**prefix, **sizes, **({"Tags": tags} if tags else {})}}
    return {**prefix, **sizes, **({"Tag": tags[0]} if tags else {})} if count else {"Prefix": ""}


def _transition(given: Mapping[str, Any]) -> Json:
    made = {"Days": given.get("TransitionInDays"), "Date": _date(given.get("TransitionDate")), "StorageClass": _storage_class(given)}
    return _without_none(made)


def _noncurrent_transition(given: Mapping[str, Any]) -> Json:
    made = {"NoncurrentDays": given["TransitionInDays"], "StorageClass": _storage_class(given)}
    return made | {name: given[name] for name in ("NewerNoncurrentVersions",) if name in given}


def _storage_class(given: Mapping[str, Any]) -> str:
    return "GLACIER" if given["StorageClass"] == "Glacier" else given["StorageClass"]


def _date(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def _website(value: Any, bucket: str) -> Json:
    made = {
        "ErrorDocument": {"Key": value["ErrorDocument"]} if "ErrorDocument" in value else None,
        "IndexDocument": {"Suffix": value["IndexDocument"]} if "IndexDocument" in value else None,
        "RedirectAllRequestsTo": value.get("RedirectAllRequestsTo"),
        "RoutingRules": _routing_rules(value["RoutingRules"]) if "RoutingRules" in value else None,
    }
    return {"WebsiteConfiguration": _without_none(made)}


def _routing_rules(rules: Sequence[Mapping[str, Any]]) -> list[Json]:
    return [_renamed(rule, {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}) for rule in rules]


def _logging(value: Any, bucket: str) -> Json:
    enabled = {
        "TargetBucket": value.get("DestinationBucketName", bucket),
        "TargetPrefix": value.get("LogFilePrefix", ""),
        "TargetObjectKeyFormat": value.get("TargetObjectKeyFormat"),
    }
    return {"BucketLoggingStatus": {"LoggingEnabled": _without_none(enabled)}}


def _accelerate(value: Any, bucket: str) -> Json:
    return {"AccelerateConfiguration": {"Status": value["AccelerationStatus"]}}


def _ownership(value: Any, bucket: str) -> Json:
    return {"OwnershipControls": value}


def _public_access(value: Any, bucket: str) -> Json:
    return {"PublicAccessBlockConfiguration": value}


def _acl(value: Any, bucket: str) -> Json:
    return {"ACL": canned_acl(value)}


def _abac(value: Any, bucket: str) -> Json:
    return {"AbacStatus": {"Status": value}}


def _object_lock(value: Any, bucket: str) -> Json:
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **value}}


def _replication(value: Any, bucket: str) -> Json:
    return {"ReplicationConfiguration": {"Role": value["Role"], "Rules": [_replication_rule(rule) for rule in value["Rules"]]}}


def _replication_rule(rule: Mapping[str, Any]) -> Json:
    made = _renamed(rule, {"Id": "ID"})
    if "Filter" in rule:
        made["Filter"] = _renamed(rule["Filter"], {"TagFilter": "Tag"})
        if "And" in rule["Filter"]:
            made["Filter"]["And"] = _renamed(rule["Filter"]["And"], {"TagFilters": "Tags"})
    return made


def _notifications(value: Any, bucket: str) -> Json:
    made: Json = {}
    for group, member, destination, arn in (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
        ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
    ):
        if value.get(group):
            made[member] = [_notification(rule, destination, arn) for rule in value[group]]
    if (value.get("EventBridgeConfiguration") or {}).get("EventBridgeEnabled"):
        made["EventBridgeConfiguration"] = {}
    return {"NotificationConfiguration": made}


def _notification(rule: Mapping[str, Any], destination: str, arn: str) -> Json:
    made: Json = {arn: rule[destination], "Events": [rule["Event"]]}
    if "Filter" in rule:
        made["Filter"] = {"Key": {"FilterRules": rule["Filter"]["S3Key"]["Rules"]}}
    return made


# In the order in which they are set: ownership and blocking before what depends on them, destinations last.
SETTINGS = (
    Setting("OwnershipControls", "PutBucketOwnershipControls", _ownership, "DeleteBucketOwnershipControls"),
    Setting("PublicAccessBlockConfiguration", "PutPublicAccessBlock", _public_access, "DeletePublicAccessBlock"),
    Setting("AccessControl", "PutBucketAcl", _acl, "PutBucketAcl", {"ACL": "private"}),
    Setting(
        "VersioningConfiguration",
        "PutBucketVersioning",
        _versioning,
        "PutBucketVersioning",
        {"VersioningConfiguration": {"Status": "Suspended"}},
    ),
    Setting(
        "ObjectLockConfiguration", "PutObjectLockConfiguration", _object_lock, "PutObjectLockConfiguration", {"ObjectLockConfiguration": ENABLED}
    ),
    Setting("AbacStatus", "PutBucketAbac", _abac, "PutBucketAbac", {"AbacStatus": {"Status": "Disabled"}}),
    Setting("ReplicationConfiguration", "PutBucketReplication", _replication, "DeleteBucketReplication"),
    Setting("BucketEncryption", "PutBucketEncryption", _encryption, "DeleteBucketEncryption"),
    Setting("CorsConfiguration", "PutBucketCors", _cors, "DeleteBucketCors"),
    Setting("LifecycleConfiguration", "PutBucketLifecycleConfiguration", _lifecycle, "DeleteBucketLifecycle"),
    Setting("WebsiteConfiguration", "PutBucketWebsite", _website, "DeleteBucketWebsite"),
    Setting("LoggingConfiguration", "PutBucketLogging", _logging, "PutBucketLogging", {"BucketLoggingStatus": {}}),
    Setting(
        "AccelerateConfiguration",
        "PutBucketAccelerateConfiguration",
        _accelerate,
        "PutBucketAccelerateConfiguration",
        {"AccelerateConfiguration": {"Status": "Suspended"}},
    ),
    Setting(
        "NotificationConfiguration",
        "PutBucketNotificationConfiguration",
        _notifications,
        "PutBucketNotificationConfiguration",
        {"NotificationConfiguration": {}},
    ),
)


def already_exists(name: str) -> ServiceError:
    return ServiceError("AlreadyExists", f"{name} already exists", 409)
