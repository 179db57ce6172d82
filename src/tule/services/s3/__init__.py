"""Amazon S3.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html"""

from __future__ import annotations

from pathlib import Path

from tule.platform.service import Service, operations_in
from tule.services.s3 import access, browsers, garbage
from tule.services.s3.operations import (
    acls,
    attributes,
    buckets,
    configurations,
    copying,
    deleting,
    listing,
    notifications,
    objects,
    parts,
    policies,
    posting,
    tagging,
    uploads,
    versioning,
)
from tule.services.s3.resources import RESOURCE_TYPES

_OPERATIONS = operations_in(
    acls,
    attributes,
    buckets,
    configurations,
    copying,
    deleting,
    listing,
    notifications,
    objects,
    parts,
    policies,
    posting,
    tagging,
    uploads,
    versioning,
)

SERVICE = Service(
    name="s3",
    operations=_OPERATIONS,
    needs=access.NEEDS,
    anonymous=access.ANONYMOUS,
    schema=Path(__file__).with_name("schema.sql").read_text(),
    deliver=garbage.deliver,
    start=garbage.start,
    resource_types=RESOURCE_TYPES,
    preflight=browsers.preflight,
)
