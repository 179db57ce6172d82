"""What the room serves, S3 and S3 Control; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.s3 import access, browsers, deliveries, garbage, known_buckets, paths, website
from tule.services.s3.control import access as control_access
from tule.services.s3.control import access_points as control_points
from tule.services.s3.control import account as control_account
from tule.services.s3.control import jobs as control_jobs
from tule.services.s3.control import storage_lens
from tule.services.s3.control import tagging as control_tagging
from tule.services.s3.operations import (
    acls,
    archives,
    attributes,
    buckets,
    configurations,
    copying,
    deleting,
    identified,
    listing,
    locking,
    notifications,
    objects,
    parts,
    policies,
    posting,
    reencrypting,
    renaming,
    replicating,
    selecting_content,
    tagging,
    uploads,
    versioning,
)
from tule.services.s3.resources import RESOURCE_TYPES
from tule.services.s3.storage_metrics import StorageMetrics


def _start(node: Node) -> Sequence[Awaitable[None]]:
    counting = StorageMetrics(node).reconciler()
    return [*garbage.start(node), counting.keep(node.store, node.clock, node.jobs)]


_OPERATIONS = operations_in(
    acls,
    archives,
    attributes,
    buckets,
    configurations,
    copying,
    deleting,
    identified,
    listing,
    locking,
    notifications,
    objects,
    parts,
    policies,
    posting,
    selecting_content,
    reencrypting,
    renaming,
    replicating,
    tagging,
    uploads,
    versioning,
)

# Compared with what AWS was recorded to answer; for docs/coverage.md.
RECORDED = frozenset(
    [
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateBucket",
        "CreateMultipartUpload",
        "DeleteBucket",
        "DeleteBucketAnalyticsConfiguration",
        "DeleteBucketIntelligentTieringConfiguration",
        "DeleteBucketInventoryConfiguration",
        "DeleteBucketMetricsConfiguration",
        "DeleteBucketPolicy",
        "DeleteBucketReplication",
        "DeleteBucketWebsite",
        "DeleteObject",
        "DeleteObjectTagging",
        "DeleteObjects",
        "DeletePublicAccessBlock",
        "GetBucketAcl",
        "GetBucketAnalyticsConfiguration",
        "GetBucketCors",
        "GetBucketEncryption",
        "GetBucketIntelligentTieringConfiguration",
        "GetBucketLifecycleConfiguration",
        "GetBucketLocation",
        "GetBucketLogging",
        "GetBucketNotificationConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketReplication",
        "GetBucketRequestPayment",
        "GetBucketTagging",
        "GetBucketVersioning",
        "GetBucketWebsite",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectLegalHold",
        "GetObjectLockConfiguration",
        "GetObjectRetention",
        "GetObjectTagging",
        "GetPublicAccessBlock",
        "HeadBucket",
        "HeadObject",
        "ListBucketAnalyticsConfigurations",
        "ListBucketIntelligentTieringConfigurations",
        "ListBucketInventoryConfigurations",
        "ListBuckets",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PostObject",
        "PutBucketAccelerateConfiguration",
        "PutBucketAcl",
        "PutBucketAnalyticsConfiguration",
        "PutBucketCors",
        "PutBucketEncryption",
        "PutBucketIntelligentTieringConfiguration",
        "PutBucketLifecycleConfiguration",
        "PutBucketLogging",
        "PutBucketNotificationConfiguration",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketRequestPayment",
        "PutBucketTagging",
        "PutBucketVersioning",
        "PutBucketWebsite",
        "PutObject",
        "PutObjectAcl",
        "PutObjectLegalHold",
        "PutObjectLockConfiguration",
        "PutObjectRetention",
        "PutObjectTagging",
        "PutPublicAccessBlock",
        "RestoreObject",
        "UploadPart",
        "UploadPartCopy",
    ]
)

SERVICE = Service(
    name="s3",
    operations=_OPERATIONS,
    needs=access.NEEDS,
    remembered_needs=access.REMEMBERED_NEEDS,
    anonymous=access.ANONYMOUS,
    deliver=deliveries.deliver,
    start=_start,
    reset=known_buckets.forget,
    resource_types=RESOURCE_TYPES,
    sites={paths.WEBSITE_SITE: website.serve},
    preflight=browsers.preflight,
    recorded=RECORDED,
)

CONTROL = Service(
    name="s3control",
    operations=operations_in(control_points, control_account, control_jobs, storage_lens, control_tagging),
    needs=control_access.NEEDS,
    recorded=frozenset(["CreateAccessPoint", "GetAccessPoint", "ListAccessPoints", "ListTagsForResource", "TagResource", "UntagResource"]),
)
