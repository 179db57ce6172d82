"""Names of buckets and keys, and the ARNs, owners and limits that follow from them.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and object-keys.html
"""

from __future__ import annotations

import base64
import hashlib
import re

from tule.core import arn
from tule.services.s3 import errors

MAX_KEY_BYTES = 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_LAST = "\U0010ffff"


def is_bucket_name(name: str) -> bool:
    """Whether some bucket may be called so, reserved names included."""
    return bool(_BUCKET.fullmatch(name)) and ".." not in name and not _IP_ADDRESS.fullmatch(name)


def check_bucket_name(name: str) -> None:
    """Raises InvalidBucketName."""
    if not is_bucket_name(name):
        raise errors.invalid_bucket_name(name)
    if name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES):
        raise errors.invalid_bucket_name(name)


def check_key(key: str) -> None:
    """Raises KeyTooLongError.  Length counts in bytes of UTF-8."""
    if len(key) > MAX_KEY_BYTES or (not key.isascii() and len(key.encode()) > MAX_KEY_BYTES):
        raise errors.key_too_long(key)


def bucket_arn(region: str, bucket: str) -> str:
    return f"arn:{arn.partition_of(region)}:s3:::{bucket}"


def regional_suffix(account: str, region: str) -> str:
    """What names in an account's own regional namespace end with."""
    return f"-{account}-{region}-an"


def canonical_id(account: str) -> str:
    """The 64 hexadecimal digits by which S3 knows an account: fixed for each account, and not to be computed back."""
    return hashlib.sha256(b"canonical user of " + account.encode()).hexdigest()


def owner(account: str) -> dict[str, str]:
    return {"ID": canonical_id(account)}


def after_all_with(prefix: str) -> str:
    """The least key that is greater than every key beginning with `prefix`; keys sort by their UTF-8 bytes."""
    for i in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[i])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1
            return prefix[:i] + chr(following)
    return _LAST * (MAX_KEY_BYTES // 4 + 1)


def principal_id(account: str) -> str:
    """How events name the owner of a bucket: `A` and upper-case letters and digits, one for each account."""
    digest = hashlib.sha256(b"principal of " + account.encode()).digest()
    return "A" + base64.b32encode(digest).decode()[:13]


def host_id(request_id: str) -> str:
    """The extended request id, `x-amz-id-2`: derived from the request id, so that both name one request."""
    return base64.b64encode(hashlib.sha384(request_id.encode()).digest()).decode()
