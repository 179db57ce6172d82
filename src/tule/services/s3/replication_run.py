"""Replicating one version: as the rule's role, to each destination, with the version's id, times, metadata and tags.

Replicas share the bytes of their source where they may have the same keys.  What fails says so, in the source's status and, with
metrics, by an event; only trouble of the node itself is tried again.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from tule.access.need import Need
from tule.backbone.delivery import Delivery, Done, Outcome
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.s3 import (
    access,
    access_control,
    checksums,
    content,
    encryption,
    events,
    garbage,
    kms_keys,
    metadata,
    object_lock,
    replication,
    replication_metrics,
    vouching,
)
from tule.services.s3.events import Change
from tule.services.s3.ranges import Span
from tule.services.s3.segments import pieces, segments_of
from tule.services.s3.state import ageing, buckets, locks, objects, replicas
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_SERVICE = "s3.amazonaws.com"
_READ = ("GetObjectVersionForReplication", "GetObjectVersionAcl")


class _Source(NamedTuple):
    bucket: Bucket
    version: Version


class _Failed(Exception):
    """It will not work: the reason as events tell it."""


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    source = await node.store.read(lambda tx: _source(tx, delivery.payload))
    if source is None:
        return Done()
    failures = 0
    for rule in replication.rules_for(source.bucket, source.version):
        try:
            await _replicate(node, source, rule, is_change=delivery.payload.get("change", False))
        except (_Failed, ServiceError) as error:
            if isinstance(error, ServiceError) and error.status >= 500 and error.status != 501:
                raise
            failures += 1
            replication_metrics.failed(node, source.bucket, rule)
            await _tell(node, source, rule, delivery, "OperationFailedReplication", _reason(error))
        else:
            replication_metrics.succeeded(node, source.bucket, rule, node.clock.now_ms() - delivery.payload["since"])
            await _tell_delay(node, source, rule, delivery)
    status = replication.FAILED if failures else replication.COMPLETED
    version = source.version
    if version.replication != replication.REPLICA:
        await node.store.write(lambda tx: ageing.set_replication(tx, source.bucket, version.key, version.version, status))
    return Done()


def _source(tx: Tx, payload: Mapping[str, Any]) -> _Source | None:
    """None when there is nothing to replicate any more."""
    bucket = buckets.find(tx, payload["bucket"])
    if bucket is None or bucket.id != payload["id"]:
        return None
    version = objects.version(tx, bucket, payload["key"], payload["version"])
    return None if version is None else _Source(bucket, version)


async def _replicate(node: Node, source: _Source, rule: Mapping[str, Any], *, is_change: bool) -> None:
    """Raises _Failed, and ServiceError."""
    name = arns.parse(rule["Destination"]["Bucket"]).resource
    target = await node.store.read(lambda tx: buckets.find(tx, name))
    if target is None:
        raise _Failed("DstBucketNotFound")
    if target.versioning != "Enabled":
        raise _Failed("DstBucketUnversioned")
    call = await _as_role(node, source.bucket)
    await _check_allowed(call, source, target, rule)
    if is_change and (await node.store.write(lambda tx: _change(tx, source, target, rule)) or source.version.replication == replication.REPLICA):
        return
    replica = await _replica(call, source, target, rule)

    def write(tx: Tx) -> None:
        if _source_is_gone(tx, source):
            return
        garbage.let_go(tx, target, replicas.put(tx, target, replica))
        name = "ObjectRemoved:DeleteMarkerCreated" if replica.marker else "ObjectCreated:Put"
        events.notify_by_itself(
            tx, target, Change(name, "Replication", replica.key, replica.seq, replica.size, replica.etag or None, replica.version)
        )

    await node.store.write(write)


def _change(tx: Tx, source: _Source, target: Bucket, rule: Mapping[str, Any]) -> bool:
    """What changed about a version, put to the same version at the destination; False when that is not there."""
    now = objects.version(tx, source.bucket, source.version.key, source.version.version)
    there = objects.version(tx, target, source.version.key, source.version.version)
    if now is None or there is None:
        return now is None
    objects.set_tags(tx, target, there, now.tags)
    if not _is_targets(target, rule) and there.owner == now.owner:
        objects.set_acl(tx, target, there, now.acl)
    if object_lock.is_on(target):
        locks.put(tx, target, there, now.lock)
    return True


def _source_is_gone(tx: Tx, source: _Source) -> bool:
    """Its bytes may then be gone soon."""
    return objects.version(tx, source.bucket, source.version.key, source.version.version) is None


async def _as_role(node: Node, bucket: Bucket) -> Call:
    role = bucket.config["Replication"].get("Role", "")
    try:
        session = await node.roles.session(
            role, service=_SERVICE, account=bucket.account, region=bucket.region, session_name="s3-replication", source_arn=bucket.arn
        )
    except ServiceError:
        raise _Failed("AssumeRoleNotPermitted") from None
    return Call(
        node=node,
        id=node.ids.uuid(),
        now_ms=node.clock.now_ms(),
        principal=session.principal,
        account=bucket.account,
        region=bucket.region,
        service="s3",
        operation="ReplicateObject",
    )


async def _check_allowed(call: Call, source: _Source, target: Bucket, rule: Mapping[str, Any]) -> None:
    key, version = source.version.key, source.version
    read = [access.need(call, source.bucket, action, key) for action in (_READ if not version.marker else ())]
    actions = ["ReplicateDelete" if version.marker else "ReplicateObject"]
    if version.tags:
        actions.append("ReplicateTags")
    if _is_overridden(rule):
        actions.append("ObjectOwnerOverrideToBucketOwner")
    if not await _all_allowed(call, read):
        raise _Failed("SrcGetObjectNotPermitted")
    if not await _all_allowed(call, [access.need(call, target, action, key) for action in actions]):
        raise _Failed("DstDelObjNotPermitted" if version.marker else "DstPutObjectNotPermitted")


async def _all_allowed(call: Call, needs: list[Need]) -> bool:
    for need in needs:
        if not (await call.node.authorizer.decide(call, need)).allowed:
            return False
    return True


def _is_overridden(rule: Mapping[str, Any]) -> bool:
    return (rule["Destination"].get("AccessControlTranslation") or {}).get("Owner") == "Destination"


def _is_targets(target: Bucket, rule: Mapping[str, Any]) -> bool:
    """Whether replicas are the destination's own."""
    return _is_overridden(rule) or target.config.get("Ownership") == access_control.ENFORCED


async def _replica(call: Call, source: _Source, target: Bucket, rule: Mapping[str, Any]) -> Version:
    version = source.version
    is_targets = _is_targets(target, rule)
    replica = version._replace(
        bucket=target.id,
        owner=target.account if is_targets else version.owner,
        acl=None if is_targets else version.acl,
        storage_class=rule["Destination"].get("StorageClass", version.storage_class),
        replication=replication.REPLICA,
        restored=None,
        lock=version.lock if object_lock.is_on(target) else None,
    )
    return replica if version.marker else await _with_keys(call, source, target, rule, replica)


async def _with_keys(call: Call, source: _Source, target: Bucket, rule: Mapping[str, Any], replica: Version) -> Version:
    """The replica with bytes of its own where its keys must be others: KMS's, of the source or of the destination."""
    by_kms = b"SSEKMSKeyId" in source.version.headers
    if not by_kms and encryption.wants_own_keys(target):
        return replica
    if b'"SSECustomerAlgorithm"' in source.version.headers:
        return replica
    params: dict[str, Any] = {"Key": replica.key}
    if by_kms:
        key = (rule["Destination"].get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID") or kms_keys.MANAGED
        params |= {"ServerSideEncryption": metadata.decoded(replica.headers)["ServerSideEncryption"], "SSEKMSKeyId": key}
    protection = await encryption.of_write(call, params, target)
    seal = await call.node.store.read(lambda tx: _seal(call, tx, source))
    segments = await call.node.store.read(lambda tx: segments_of(tx, source.version))
    stream = pieces(call.node, segments, Span(0, replica.size), await encryption.opened(call, seal))
    taken = await content.store(call.node, stream, replica.size, protection.seal, checksums.DEFAULT)
    headers = {name: value for name, value in metadata.decoded(replica.headers).items() if name not in encryption.MEMBERS}
    sealed = vouching.vouched(protection.sealed, taken.data)
    headers |= dict(protection.kept)
    return replica._replace(headers=metadata.encoded(headers), sealed=sealed, manifest=None, blob=taken.blob, data=taken.data)


def _seal(call: Call, tx: Tx, source: _Source) -> Any:
    return encryption.seal_of(call, tx, source.bucket, source.version.sealed, None)


# Telling.


def _reason(error: Exception) -> str:
    return (
        str(error)
        if isinstance(error, _Failed)
        else "DstKmsKeyInvalid"
        if getattr(error, "code", "").startswith("KMS.")
        else "DstPutObjectNotPermitted"
    )


async def _tell_delay(node: Node, source: _Source, rule: Mapping[str, Any], delivery: Delivery) -> None:
    threshold = replication.threshold_ms(rule)
    if threshold is not None and node.clock.now_ms() - delivery.payload["since"] > threshold:
        await _tell(node, source, rule, delivery, "OperationReplicatedAfterThreshold")


async def _tell(node: Node, source: _Source, rule: Mapping[str, Any], delivery: Delivery, what: str, reason: str = "") -> None:
    if not replication.has_metrics(rule):
        return
    version = source.version
    told = {
        "replicationRule": rule.get("ID", ""),
        "destinationBucket": rule["Destination"]["Bucket"],
        "s3Operation": "OBJECT_DELETE" if version.marker else "OBJECT_PUT",
        "requestTime": iso8601(delivery.payload["since"]),
    }
    told |= {"failureReason": reason} if reason else {"replicationTime": str((node.clock.now_ms() - delivery.payload["since"]) // 1000)}
    change = Change(f"Replication:{what}", "", version.key, version.seq, version.size, version.etag, version.version, told=told)
    await node.store.write(partial(events.notify_by_itself, bucket=source.bucket, change=change))
