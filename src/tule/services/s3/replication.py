"""Which new versions are replicated, and to where: the rules, and the job that a write leaves.  `replication_run.py` does it.

What was there before the rules, replicas, and what lifecycle does are not replicated; what later changes about a version (tags, ACL,
retention, legal hold) is, and from replicas, too, where a rule has it so.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.backbone.jobs import Job, enqueue
from tule.services.s3.state import ageing
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

KIND = "s3-replicate"
PENDING = "PENDING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
REPLICA = "REPLICA"
_ATTEMPTS = 200  # of what may pass: a store that cannot be reached
_Rule = Mapping[str, Any]


def status(bucket: Bucket, version: Version) -> str | None:
    """What a new version's status begins with; None when no rule names it."""
    if "Replication" not in bucket.config or bucket.versioning != "Enabled":
        return None
    return PENDING if rules_for(bucket, version) else None


def begin(tx: Tx, bucket: Bucket, version: Version) -> None:
    """Have a version replicated that was written with status PENDING."""
    _enqueue(tx, bucket, version, is_change=False)


def marked(tx: Tx, bucket: Bucket, marker: Version) -> Version:
    """A delete marker before it is written; a request's, not lifecycle's.  Has it replicated where a rule says so."""
    found = status(bucket, marker)
    if found is not None:
        begin(tx, bucket, marker)
    return marker._replace(replication=found)


def changed(tx: Tx, bucket: Bucket, version: Version) -> None:
    """Tags, ACL or lock of a version that was, or is to be, replicated have changed; or those of a replica."""
    if version.replication is None or not rules_for(bucket, version):
        return
    if version.replication != REPLICA:
        ageing.set_replication(tx, bucket, version.key, version.version, PENDING)
    _enqueue(tx, bucket, version, is_change=True)


def _enqueue(tx: Tx, bucket: Bucket, version: Version, *, is_change: bool) -> None:
    payload = {"bucket": bucket.name, "id": bucket.id, "key": version.key, "version": version.version, "since": tx.now_ms, "change": is_change}
    group = f"{KIND}:{bucket.id}:{version.key}"
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, max_attempts=_ATTEMPTS, group=group))


def rules_for(bucket: Bucket, version: Version) -> list[_Rule]:
    """The rules that replicate a version: for each destination the one that comes first."""
    configuration: Mapping[str, Any] = bucket.config.get("Replication") or {}
    chosen: dict[str, _Rule] = {}
    for rule in sorted(configuration.get("Rules", ()), key=lambda each: -each.get("Priority", 0)):
        if rule["Status"] == "Enabled" and _applies(rule, version) and (version.replication != REPLICA or _sends_back(rule)):
            chosen.setdefault(rule["Destination"]["Bucket"], rule)
    return list(chosen.values())


def _applies(rule: _Rule, version: Version) -> bool:
    given: Mapping[str, Any] = rule.get("Filter") or {}
    both: Mapping[str, Any] = given.get("And") or given
    if not version.key.startswith(both.get("Prefix") or rule.get("Prefix") or ""):
        return False
    wanted = [*both.get("Tags", ()), *([both["Tag"]] if "Tag" in both else [])]
    if version.marker:
        return not wanted and _replicates_markers(rule)
    if wanted:
        tags: Mapping[str, str] = orjson.loads(version.tags) if version.tags else {}
        if not all(tags.get(tag["Key"]) == tag.get("Value", "") for tag in wanted):
            return False
    return _replicates_keys(rule, version)


def _sends_back(rule: _Rule) -> bool:
    """Whether what changes about replicas goes on from them."""
    return ((rule.get("SourceSelectionCriteria") or {}).get("ReplicaModifications") or {}).get("Status") == "Enabled"


def _replicates_markers(rule: _Rule) -> bool:
    """Rules of the first version, which have no filter, always do."""
    if "Filter" not in rule:
        return True
    return (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled"


def _replicates_keys(rule: _Rule, version: Version) -> bool:
    """Objects under KMS's keys only where the rule says so."""
    if b"SSEKMSKeyId" not in version.headers:
        return True
    return ((rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}).get("Status") == "Enabled"


def has_metrics(rule: _Rule) -> bool:
    """Whether S3 tells of failures and delays."""
    destination = rule["Destination"]
    return any((destination.get(member) or {}).get("Status") == "Enabled" for member in ("Metrics", "ReplicationTime"))


def threshold_ms(rule: _Rule) -> int | None:
    """How long replication may take with Replication Time Control."""
    control: Mapping[str, Any] = rule["Destination"].get("ReplicationTime") or {}
    return (control.get("Time") or {}).get("Minutes", 15) * 60_000 if control.get("Status") == "Enabled" else None
