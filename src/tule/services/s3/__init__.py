"""Amazon S3.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html"""

from __future__ import annotations

from pathlib import Path

from tule.platform.service import Service, operations_in
from tule.services.s3 import access, garbage
from tule.services.s3.operations import acls, buckets, configurations, deleting, listing, notifications, objects, policies, tagging, versioning

SERVICE = Service(
    name="s3",
    operations=operations_in(buckets, policies, acls, tagging, configurations, versioning, notifications, objects, listing, deleting),
    needs=access.NEEDS,
    anonymous=access.ANONYMOUS,
    schema=Path(__file__).with_name("schema.sql").read_text(),
    deliver=garbage.deliver,
)
