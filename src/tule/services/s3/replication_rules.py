"""What a replication configuration may say.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core import arn as arns
from tule.core.ids import Ids
from tule.services.s3 import errors

_MOST = 1000
_SCHEMA = "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."


def checked(configuration: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """As it is stored, with an id for each rule.  Raises MalformedXML, InvalidRequest or InvalidArgument."""
    rules = configuration.get("Rules") or ()
    if not 1 <= len(rules) <= _MOST or not configuration.get("Role"):
        raise errors.malformed_xml()
    found = [_checked(rule, ids) for rule in rules]
    names = [rule["ID"] for rule in found]
    if len(set(names)) != len(names):
        raise errors.invalid_argument("Rule ID must be unique. Found same ID for more than one rule", "ID")
    return {**configuration, "Rules": found}


def _checked(rule: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    if rule.get("Status") not in ("Enabled", "Disabled") or ("Filter" in rule and "Prefix" in rule):
        raise errors.malformed_xml()
    if len(rule.get("ID", "")) > 255:
        raise errors.invalid_argument("The maximum value is 255 characters.", "ID")
    if "Filter" in rule:
        _check_second_schema(rule)
    bucket_of(rule)
    _check_destination(rule, rule["Destination"])
    return {**rule, "ID": rule.get("ID") or ids.uuid()}


def _check_second_schema(rule: Mapping[str, Any]) -> None:
    if "Priority" not in rule:
        raise errors.invalid_request(f"Priority must be specified {_SCHEMA}")
    if "DeleteMarkerReplication" not in rule:
        raise errors.invalid_request(f"DeleteMarkerReplication must be specified {_SCHEMA}")
    given: Mapping[str, Any] = rule["Filter"] or {}
    both: Mapping[str, Any] = given.get("And") or given
    if ("Tag" in both or "Tags" in both) and rule["DeleteMarkerReplication"].get("Status") == "Enabled":
        message = (
            "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information."
        )
        raise errors.invalid_request(message)


def _check_destination(rule: Mapping[str, Any], destination: Mapping[str, Any]) -> None:
    criteria: Mapping[str, Any] = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if criteria.get("Status") == "Enabled" and not key:
        raise errors.invalid_request("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
    if key and not criteria:
        raise errors.invalid_request("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
    if destination.get("AccessControlTranslation") and not destination.get("Account"):
        raise errors.invalid_request("Account must be specified if AccessControlTranslation tag is present.")
    if (destination.get("ReplicationTime") or {}).get("Status") == "Enabled" and (destination.get("Metrics") or {}).get("Status") != "Enabled":
        raise errors.invalid_request("Metrics must be enabled if Replication Time Control is.")


def bucket_of(rule: Mapping[str, Any]) -> str:
    """The name of a rule's destination.  Raises InvalidArgument."""
    text = rule.get("Destination", {}).get("Bucket", "")
    if not arns.is_arn(text) or arns.parse(text).service != "s3" or not arns.parse(text).resource:
        raise errors.invalid_argument("Invalid bucket ARN.", "Bucket", text)
    return arns.parse(text).resource
