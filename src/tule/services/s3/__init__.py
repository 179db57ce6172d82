"""Amazon S3.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

Small bytes are in the object's row, long ones in blobs, those of multipart uploads in one blob a part: a completed upload
and a copy refer to bytes that are there, and nothing is written twice.  Every change of an object, what it tells to whom and
what it lets go are one transaction.

What differs from AWS: any endpoint serves the buckets of every region; logging, lifecycle, website, acceleration and
requester-pays configurations are kept but have no effect yet; encryption at rest is told, not done.
"""

from __future__ import annotations

from pathlib import Path

from tule.platform.service import Service, operations_in
from tule.services.s3 import access, browsers, deliveries, garbage, website, website_routing
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
    schema=Path(__file__).with_name("schema.sql").read_text(),
    deliver=deliveries.deliver,
    start=garbage.start,
    resource_types=RESOURCE_TYPES,
    sites={website_routing.SITE: website.serve},
    preflight=browsers.preflight,
    recorded=RECORDED,
)

CONTROL = Service(
    name="s3control",
    operations=operations_in(control_points, control_account, storage_lens, control_tagging),
    needs=control_access.NEEDS,
)
