"""What each operation needs to be allowed: actions, resources, condition keys, and the bucket's own say.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

import orjson

from tule.access.need import LazyContext
from tule.core.clock import iso8601
from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params, RememberedNeeds
from tule.services.s3 import (
    access_control,
    browsers,
    copy_source,
    errors,
    known_buckets,
    log_delivery,
    names,
    request_metrics,
    resource_policy,
    tag_rules,
)
from tule.services.s3.state import access_points, buckets, objects, uploads
from tule.services.s3.state.access_points import AccessPoint
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Access
from tule.store.store import Tx

Context = dict[str, Any]
Gather = Callable[[], Context]
OfBucket = Callable[[Call, Bucket, Params], Sequence[Need]]
OfKnownBucket = Callable[[Call, Bucket, Params], Sequence[Need] | None]  # None where something must be looked up
_ACL_MEMBERS = frozenset(("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP", "AccessControlPolicy"))
_LOCK_MEMBERS = {"Mode": "ObjectLockMode", "RetainUntilDate": "ObjectLockRetainUntilDate", "Hold": "ObjectLockLegalHoldStatus"}
_WRITE_KEYS = {
    "ACL": "s3:x-amz-acl",
    "StorageClass": "s3:x-amz-storage-class",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "CopySource": "s3:x-amz-copy-source",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "RenameSource": "s3:x-amz-object-rename-source",
}
_LIST_KEYS = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys", "MaxUploads": "s3:max-keys"}


def bucket_of(call: Call, tx: Tx, params: Params) -> Bucket:
    """The bucket, once the expected owner was compared.  Raises NoSuchBucket, AccessDenied."""
    return _attended(call, tx, known_buckets.get(call.node, tx, params["Bucket"]), params)


def _attended(call: Call, tx: Tx, bucket: Bucket, params: Params) -> Bucket:
    _attend(call, bucket, params)
    request_metrics.watch(call, tx, bucket, params)
    return bucket


def _attend(call: Call, bucket: Bucket, params: Params) -> None:
    """What every request to a bucket meets, but for its metrics.  Raises AccessDenied."""
    expected = params.get("ExpectedBucketOwner")
    if expected is not None:
        if not (len(expected) == 12 and expected.isdigit()):
            raise errors.invalid_expected_owner(expected)
        if expected != bucket.account:
            raise errors.access_denied()
    browsers.allow(call, bucket)
    _check_payer(call, bucket, params)
    log_delivery.watch(call, bucket)


def _check_payer(call: Call, bucket: Bucket, params: Params) -> None:
    """Where the requester pays, other accounts say that they know.  Raises AccessDenied."""
    if bucket.config.get("Payer") != "Requester" or call.principal.account == bucket.account or call.principal.service:
        return
    if params.get("RequestPayer") != "requester" or call.principal.kind == "anonymous":
        raise errors.access_denied()
    call.response_headers["x-amz-request-charged"] = "requester"


def need(
    call: Call,
    bucket: Bucket,
    action: str,
    key: str | None = None,
    context: Context | Gather | None = None,
    found: Access | None = None,
    *,
    opened: bool = False,
) -> Need:
    """One permission on a bucket, or on an object; `found` is that object, when its tags and ACL count.

    `opened`: nothing but a denial keeps the caller from it.
    """
    resource = bucket.arn if key is None else f"{bucket.arn}/{key}"
    action = f"s3:{action}"
    policy = resource_policy.of(call.principal, bucket, action, resource, found, opened=opened)
    return Need(action, resource, LazyContext(partial(_context, call, bucket, context, found)), policy, _authority(bucket, found))


def _context(call: Call, bucket: Bucket, own: Context | Gather | None, found: Access | None) -> Context:
    context = {**_of_request(call), **_of_point(bucket), **_of_tags(bucket), **((own() if callable(own) else own) or {})}
    if found is not None and found.tags:
        context |= {f"s3:ExistingObjectTag/{name}": value for name, value in orjson.loads(found.tags).items()}
    return context


def _authority(bucket: Bucket, found: Access | None) -> str:
    """Whose account decides: where ACLs count, that of an object's owner, who need not be the bucket's."""
    return bucket.account if found is None or bucket.config.get("Ownership") == access_control.ENFORCED else found.owner


def _of_tags(bucket: Bucket) -> Context:
    """The bucket's tags, where access is controlled by them."""
    if bucket.config.get("Abac") != "Enabled":
        return {}
    return {f"{key}/{name}": value for name, value in (bucket.config.get("Tags") or {}).items() for key in ("aws:ResourceTag", "s3:BucketTag")}


def _of_request(call: Call) -> Context:
    """Keys about the request itself: how it was signed, how it came."""
    headers = call.headers
    if not headers:
        return {}
    context: Context = {}
    if (digest := headers.get("x-amz-content-sha256")) is not None:
        context["s3:x-amz-content-sha256"] = digest
    authorization = headers.get("authorization", "")
    if authorization.startswith("AWS4-"):
        context |= {"s3:signatureversion": authorization.partition(" ")[0], "s3:authType": "REST-HEADER"}
    elif authorization.startswith("AWS "):
        context |= {"s3:signatureversion": "AWS", "s3:authType": "REST-HEADER"}
    elif call.operation == "PostObject":
        context["s3:authType"] = "POST"
    elif call.principal.kind != "anonymous":
        context["s3:authType"] = "REST-QUERY-STRING"
    if call.endpoint.startswith("https://"):
        context["s3:TlsVersion"] = 1.3
    return context


def _of_point(bucket: Bucket) -> Context:
    if bucket.point is None:
        return {}
    return {
        "s3:DataAccessPointArn": bucket.point.arn,
        "s3:DataAccessPointAccount": bucket.point.account,
        "s3:AccessPointNetworkOrigin": bucket.point.origin,
    }


def through_points(needs: Needs) -> Needs:
    """The same needs, put to the access point too where one stands for the bucket: both have to allow."""

    def more(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        wanted = needs(call, tx, params)
        name = params.get("Bucket", "")
        point = access_points.named(tx, name) if access_points.looks_like_one(name) and buckets.find(tx, name) is None else None
        if point is None:
            return wanted
        bucket = buckets.get(tx, point.config["Bucket"])
        return [*wanted, *(_at_point(call, bucket, point, each) for each in wanted if each.resource.startswith(bucket.arn))]

    return more


def _at_point(call: Call, bucket: Bucket, point: AccessPoint, asked: Need) -> Need:
    key = asked.resource[len(bucket.arn) :]
    resource = f"{point.arn}/object{key}" if key else point.arn
    policy = resource_policy.of_point(call.principal, point)
    return Need(asked.action, resource, asked.context, policy, point.account)


def _is_plain(call: Call, bucket: Bucket) -> bool:
    """The account's root on a bucket of its own without a policy: nothing can deny it, so nothing needs to be looked up."""
    return call.principal.kind == "root" and call.principal.account == bucket.account and "Policy" not in bucket.config and bucket.point is None


def _remembered(of_bucket: OfKnownBucket, needs: Needs) -> RememberedNeeds:
    """The same needs without a transaction, where the bucket is known and there is nothing to look up beside it."""

    async def remembered(call: Call, params: Params) -> Sequence[Need]:
        bucket = known_buckets.known(call.node, params["Bucket"])
        if bucket is not None and "Metrics" not in bucket.config:
            _attend(call, bucket, params)
            needed = of_bucket(call, bucket, params)
            if needed is not None:
                return needed
        return await call.node.store.read(lambda tx: needs(call, tx, params))

    return remembered


def _on_bucket(*actions: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        bucket = bucket_of(call, tx, params)
        return [need(call, bucket, action) for action in actions]

    return needs


def _listing(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        context = {key: str(params[member]) for member, key in _LIST_KEYS.items() if member in params}
        return [need(call, bucket_of(call, tx, params), action, context=context)]

    return needs


def _reading(action: str, versioned: str | None = None, *more: tuple[str, str]) -> Needs:
    """Of an existing object.  Only who may list the bucket may learn that there is no such key."""

    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        bucket = bucket_of(call, tx, params)
        if _is_plain(call, bucket) and bucket.config.get("Ownership") == access_control.ENFORCED:
            return []
        key, version_id = params["Key"], params.get("VersionId")
        found = objects.access(tx, bucket, key, version_id)
        actions = [action, *(one for one, _ in more)] if version_id is None else [versioned or action, *(other for _, other in more)]
        context: Context = {} if version_id is None else {"s3:VersionId": version_id}
        if found is not None:
            return [need(call, bucket, each, key, context, found) for each in actions]
        missing = [need(call, bucket, each, key, context, opened=True) for each in actions]
        return [*missing, need(call, bucket, "ListBucket", context={"s3:prefix": key})]

    return needs


def _object(action: str, versioned: str | None = None) -> Needs:
    """Of an object that need not exist."""

    of_bucket = _of_object(action, versioned)
    return lambda call, tx, params: of_bucket(call, bucket_of(call, tx, params), params)


def _of_object(action: str, versioned: str | None = None) -> OfBucket:
    def needs(call: Call, bucket: Bucket, params: Params) -> Sequence[Need]:
        if _is_plain(call, bucket):
            return []
        version_id = params.get("VersionId")
        if version_id is not None and versioned is not None:
            return [need(call, bucket, versioned, params["Key"], {"s3:VersionId": version_id})]
        return [need(call, bucket, action, params["Key"])]

    return needs


def _own_upload(action: str) -> Needs:
    """Of a multipart upload: whoever began it may end it and list its parts."""

    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        bucket = bucket_of(call, tx, params)
        if _is_plain(call, bucket):
            return []
        upload = uploads.find(tx, bucket, params["Key"], params["UploadId"])
        own = upload is not None and upload.initiator == initiator(call)
        return [need(call, bucket, action, params["Key"], opened=own)]

    return needs


def initiator(call: Call) -> str:
    """How an upload keeps who began it: an account, or the ARN of its user or role."""
    return call.principal.arn if call.principal.kind != "root" else call.account


def _changing(action: str, versioned: str) -> Needs:
    """Of what belongs to an existing object: its tags, its ACL."""

    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        bucket = bucket_of(call, tx, params)
        if _is_plain(call, bucket) and bucket.config.get("Ownership") == access_control.ENFORCED:
            return []
        version_id = params.get("VersionId")
        found = objects.access(tx, bucket, params["Key"], version_id)
        context = _header_context(params) | _tag_context((params.get("Tagging") or {}).get("TagSet"))
        return [need(call, bucket, versioned if version_id else action, params["Key"], context, found)]

    return needs


def writing(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    return _write_needs(call, bucket_of(call, tx, params), params)


def _posting(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Who uploads, and what, is in the form: decided within the operation."""
    bucket_of(call, tx, params)
    return []


def _write_needs(call: Call, bucket: Bucket, params: Params) -> list[Need]:
    """An ACL and tags that come with an object need permissions of their own."""
    if _is_plain(call, bucket):
        return []
    wanted = ["PutObject"]
    if not _ACL_MEMBERS.isdisjoint(params):
        wanted.append("PutObjectAcl")
    if params.get("ObjectLockMode") is not None:
        wanted.append("PutObjectRetention")
    if params.get("ObjectLockLegalHoldStatus") is not None:
        wanted.append("PutObjectLegalHold")
    if params.get("Tagging"):
        wanted.append("PutObjectTagging")
        tag_rules.from_header(params["Tagging"])  # refused before anybody is asked
    context = partial(_write_context, call, params)
    owns = _may_own(call, bucket)  # what is written, and an owner may set the ACL
    return [need(call, bucket, action, params["Key"], context, opened=owns and action == "PutObjectAcl") for action in wanted]


def _write_context(call: Call, params: Params) -> Context:
    context = _header_context(params) | _lock_context(call, {name: params.get(member) for name, member in _LOCK_MEMBERS.items()})
    if params.get("Tagging"):
        tags = tag_rules.from_header(params["Tagging"])
        context |= _tag_context([{"Key": name, "Value": value} for name, value in tags.items()])
    return context


def _header_context(params: Params) -> Context:
    return {key: params[member] for member, key in _WRITE_KEYS.items() if isinstance(params.get(member), str)}


def _tag_context(tags: Sequence[Mapping[str, str]] | None) -> Context:
    if not tags:
        return {}
    found: Context = {f"s3:RequestObjectTag/{tag.get('Key', '')}": tag.get("Value", "") for tag in tags}
    return found | {"s3:RequestObjectTagKeys": [tag.get("Key", "") for tag in tags]}


def _copying(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Reading the source, its tags where they come along, and writing."""
    name = copy_source.parse(params["CopySource"])
    source, target = buckets.get(tx, name.bucket), _attended(call, tx, buckets.get(tx, params["Bucket"]), params)
    found = objects.access(tx, source, name.key, name.version)
    read = ["GetObject" if name.version is None else "GetObjectVersion"]
    write = _write_needs(call, target, params)
    is_copy = call.operation == "CopyObject" and params.get("TaggingDirective", "COPY") == "COPY"
    if is_copy and found is not None and found.tags:
        read.append("GetObjectTagging" if name.version is None else "GetObjectVersionTagging")
        write.append(need(call, target, "PutObjectTagging", params["Key"]))
    wanted = [need(call, source, action, name.key, found=found) for action in read]
    if source.point is not None:
        wanted += [_at_point(call, source, source.point, each) for each in wanted]
    if found is None:
        wanted.append(need(call, source, "ListBucket", context={"s3:prefix": name.key}))
    return [*wanted, *write]


def _renaming(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Reading and deleting under the old name, writing under the new one."""
    bucket = bucket_of(call, tx, params)
    source = unquote(params["RenameSource"]).removeprefix("/")
    found = objects.access(tx, bucket, source, None)
    old = [need(call, bucket, action, source, found=found) for action in ("GetObject", "DeleteObject")]
    listing = [need(call, bucket, "ListBucket", context={"s3:prefix": source})] if found is None else []
    return [*old, *listing, *_write_needs(call, bucket, {name: params[name] for name in ("Key", "RenameSource")})]


def _create_bucket(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    names.check_bucket_name(params["Bucket"])
    resource = names.bucket_arn(call.region, params["Bucket"])
    context: Context = {"s3:LocationConstraint": (params.get("CreateBucketConfiguration") or {}).get("LocationConstraint") or call.region}
    wanted = ["CreateBucket"]
    if not _ACL_MEMBERS.isdisjoint(params):
        wanted.append("PutBucketAcl")
    if params.get("ObjectOwnership") is not None:
        wanted.append("PutBucketOwnershipControls")
    return [Need(f"s3:{action}", resource, context) for action in wanted]


def _list_buckets(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    return [Need("s3:ListAllMyBuckets")]


def _delete_objects(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Each key is decided by itself, within the operation: see `delete_needs`."""
    bucket_of(call, tx, params)
    return []


def delete_needs(call: Call, tx: Tx, bucket: Bucket, entries: Sequence[Mapping[str, Any]], *, bypass: bool) -> list[list[Need]]:
    """What deleting each of the entries needs."""
    return [
        _delete_entry(call, bucket, entry["Key"], entry.get("VersionId"), own=_is_own(call, tx, bucket, entry), bypass=bypass) for entry in entries
    ]


def _is_own(call: Call, tx: Tx, bucket: Bucket, entry: Mapping[str, Any]) -> bool:
    """Whether, where ACLs count, somebody of another account deletes what it wrote there."""
    if not _may_own(call, bucket) or entry.get("VersionId") is not None:
        return False
    return resource_policy.may_delete_own(call.principal, bucket, objects.access(tx, bucket, entry["Key"], None))


def _may_own(call: Call, bucket: Bucket) -> bool:
    """Whether objects of the bucket may belong to a caller of another account."""
    return call.principal.account != bucket.account and bucket.config.get("Ownership") != access_control.ENFORCED


def _delete_entry(call: Call, bucket: Bucket, key: str, version_id: str | None, *, own: bool, bypass: bool) -> list[Need]:
    context: Context = {} if version_id is None else {"s3:versionid": version_id}
    actions = ["DeleteObject" if version_id is None else "DeleteObjectVersion"]
    if bypass and version_id is not None:
        actions.append("BypassGovernanceRetention")
    return [need(call, bucket, action, key, context, opened=own) for action in actions]


def _delete_object(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    bucket = bucket_of(call, tx, params)
    return _delete_one(call, bucket, params, own=_is_own(call, tx, bucket, params))


def _delete_of_known(call: Call, bucket: Bucket, params: Params) -> Sequence[Need] | None:
    return None if _may_own(call, bucket) else _delete_one(call, bucket, params, own=False)


def _delete_one(call: Call, bucket: Bucket, params: Params, *, own: bool) -> Sequence[Need]:
    if _is_plain(call, bucket):
        return []
    return _delete_entry(call, bucket, params["Key"], params.get("VersionId"), own=own, bypass=bool(params.get("BypassGovernanceRetention")))


def _locking(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Changing a version's retention or legal hold."""
    bucket = bucket_of(call, tx, params)
    if _is_plain(call, bucket):
        return []
    found = objects.access(tx, bucket, params["Key"], params.get("VersionId"))
    actions = ["PutObjectRetention" if call.operation == "PutObjectRetention" else "PutObjectLegalHold"]
    if params.get("BypassGovernanceRetention"):
        actions.append("BypassGovernanceRetention")
    context = _lock_context(call, {**(params.get("Retention") or {}), "Hold": (params.get("LegalHold") or {}).get("Status")})
    return [need(call, bucket, action, params["Key"], context, found) for action in actions]


def _lock_context(call: Call, lock: Mapping[str, Any]) -> Context:
    """Of a lock that is asked for."""
    context: Context = {}
    if lock.get("Mode"):
        context["s3:object-lock-mode"] = lock["Mode"]
    if lock.get("RetainUntilDate"):
        until_ms = int(lock["RetainUntilDate"] * 1000)
        context["s3:object-lock-retain-until-date"] = iso8601(until_ms)
        context["s3:object-lock-remaining-retention-days"] = max(0, -(-(until_ms - call.now_ms) // 86_400_000))
    if lock.get("Hold"):
        context["s3:object-lock-legal-hold"] = lock["Hold"]
    return context


_BUCKET_ACTIONS = {
    "HeadBucket": "ListBucket",
    "DeleteBucket": "DeleteBucket",
    "GetBucketLocation": "GetBucketLocation",
    "PutBucketPolicy": "PutBucketPolicy",
    "GetBucketPolicy": "GetBucketPolicy",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicyStatus",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "PutBucketAcl": "PutBucketAcl",
    "GetBucketAcl": "GetBucketAcl",
    "PutBucketTagging": "PutBucketTagging",
    "GetBucketTagging": "GetBucketTagging",
    "DeleteBucketTagging": "PutBucketTagging",
    "PutBucketCors": "PutBucketCORS",
    "GetBucketCors": "GetBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketVersioning": "PutBucketVersioning",
    "GetBucketVersioning": "GetBucketVersioning",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketWebsite": "PutBucketWebsite",
    "GetBucketWebsite": "GetBucketWebsite",
    "DeleteBucketWebsite": "DeleteBucketWebsite",
    "PutBucketLogging": "PutBucketLogging",
    "GetBucketLogging": "GetBucketLogging",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketRequestPayment": "PutBucketRequestPayment",
    "GetBucketRequestPayment": "GetBucketRequestPayment",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketAbac": "PutBucketAbac",
    "GetBucketAbac": "GetBucketAbac",
    "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "DeleteBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "DeleteBucketMetricsConfiguration": "PutMetricsConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
}
_NEEDS: dict[str, Needs] = {
    **{operation: _on_bucket(action) for operation, action in _BUCKET_ACTIONS.items()},
    "CreateBucket": _create_bucket,
    "ListBuckets": _list_buckets,
    "ListObjects": _listing("ListBucket"),
    "ListObjectsV2": _listing("ListBucket"),
    "ListObjectVersions": _listing("ListBucketVersions"),
    "ListMultipartUploads": _listing("ListBucketMultipartUploads"),
    "GetObject": _reading("GetObject", "GetObjectVersion"),
    "HeadObject": _reading("GetObject", "GetObjectVersion"),
    "GetObjectAttributes": _reading("GetObject", "GetObjectVersion", ("GetObjectAttributes", "GetObjectVersionAttributes")),
    "GetObjectAcl": _reading("GetObjectAcl", "GetObjectVersionAcl"),
    "GetObjectTagging": _reading("GetObjectTagging", "GetObjectVersionTagging"),
    "PutObjectAcl": _changing("PutObjectAcl", "PutObjectVersionAcl"),
    "PutObjectTagging": _changing("PutObjectTagging", "PutObjectVersionTagging"),
    "DeleteObjectTagging": _changing("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "PutObject": writing,
    "PostObject": _posting,
    "CreateMultipartUpload": writing,
    "UploadPart": _object("PutObject"),
    "CompleteMultipartUpload": _object("PutObject"),
    "AbortMultipartUpload": _own_upload("AbortMultipartUpload"),
    "ListParts": _own_upload("ListMultipartUploadParts"),
    "CopyObject": _copying,
    "RenameObject": _renaming,
    "UploadPartCopy": _copying,
    "DeleteObject": _delete_object,
    "DeleteObjects": _delete_objects,
    "SelectObjectContent": _reading("GetObject", "GetObjectVersion"),
    "RestoreObject": _object("RestoreObject"),
    "GetObjectTorrent": _reading("GetObjectTorrent", "GetObjectVersionTorrent"),
    "UpdateObjectEncryption": _changing("UpdateObjectEncryption", "UpdateObjectEncryption"),
    "PutObjectRetention": _locking,
    "PutObjectLegalHold": _locking,
    "GetObjectRetention": _object("GetObjectRetention"),
    "GetObjectLegalHold": _object("GetObjectLegalHold"),
}
NEEDS = {operation: through_points(needs) for operation, needs in _NEEDS.items()}
ANONYMOUS = frozenset(NEEDS) - {"CreateBucket", "ListBuckets"}
_KNOWN: dict[str, OfKnownBucket] = {
    "PutObject": _write_needs,
    "CreateMultipartUpload": _write_needs,
    "UploadPart": _of_object("PutObject"),
    "CompleteMultipartUpload": _of_object("PutObject"),
    "DeleteObject": _delete_of_known,
    "DeleteObjects": lambda call, bucket, params: [],
}
REMEMBERED_NEEDS = {operation: _remembered(of_bucket, NEEDS[operation]) for operation, of_bucket in _KNOWN.items()}
