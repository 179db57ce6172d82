"""Amazon S3.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

Small bytes are in the object's row, long ones in blobs, those of multipart uploads in one blob a part: a completed upload
and a copy refer to bytes that are there, and nothing is written twice.  Every change of an object, what it tells to whom and
what it lets go are one transaction.

What differs from AWS: any endpoint serves the buckets of every region; acceleration, analytics, metrics and intelligent tiering
configurations are kept and change nothing; RenameObject works in general purpose buckets; MFA Delete is for users that have a
device; directory buckets, table buckets, metadata tables and annotations answer 501.
"""

from __future__ import annotations

from pathlib import Path

from tule.platform.service import Room, Service
from tule.services.s3.paths import WEBSITE_SITE


def _load() -> Service:
    from tule.services.s3.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


def _load_control() -> Service:
    from tule.services.s3.service import CONTROL

    return CONTROL


ROOM = Room("s3", _load, schema=Path(__file__).with_name("schema.sql").read_text(), sites=(WEBSITE_SITE,), preflights=True)
CONTROL_ROOM = Room("s3control", _load_control)
