"""What the room serves, S3 and S3 Control; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.s3 import access, browsers, deliveries, garbage, paths, website
from tule.services.s3.control import access as control_access
from tule.services.s3.control import access_points as control_points
from tule.services.s3.control import account as control_account
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
    replicating,
    selecting_content,
    tagging,
    uploads,
    versioning,
)
from tule.services.s3.resources import RESOURCE_TYPES

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
    replicating,
    tagging,
    uploads,
    versioning,
)

# Compared with what AWS was recorded to answer; for docs/coverage.md.
RECORDED = frozenset(
    [
        "CopyObject",
        "CreateBucket",
        "DeleteBucket",
        "DeleteBucketPolicy",
        "DeleteObject",
        "DeleteObjects",
        "DeletePublicAccessBlock",
        "GetBucketAcl",
        "GetBucketCors",
        "GetBucketEncryption",
        "GetBucketLocation",
        "GetBucketLogging",
        "GetBucketPolicy",
        "GetBucketRequestPayment",
        "GetBucketVersioning",
        "GetObject",
        "GetObjectAttributes",
        "GetPublicAccessBlock",
        "HeadBucket",
        "HeadObject",
        "ListBuckets",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PostObject",
        "PutBucketEncryption",
        "PutBucketLogging",
        "PutBucketPolicy",
        "PutBucketRequestPayment",
        "PutBucketTagging",
        "PutObject",
        "PutObjectAcl",
        "PutObjectTagging",
        "PutPublicAccessBlock",
        "UploadPart",
        "UploadPartCopy",
    ]
)

SERVICE = Service(
    name="s3",
    operations=_OPERATIONS,
    needs=access.NEEDS,
    anonymous=access.ANONYMOUS,
    deliver=deliveries.deliver,
    start=garbage.start,
    resource_types=RESOURCE_TYPES,
    sites={paths.WEBSITE_SITE: website.serve},
    preflight=browsers.preflight,
    recorded=RECORDED,
)

CONTROL = Service(
    name="s3control",
    operations=operations_in(control_points, control_account, storage_lens, control_tagging),
    needs=control_access.NEEDS,
)
