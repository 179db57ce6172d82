"""Encryption with customers' keys (SSE-C): the key comes with every request and is never kept, only a keyed digest of it.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core.errors import ServiceError
from tule.core.ids import Ids
from tule.services.s3 import errors
from tule.services.s3.sealing import KEY_BYTES, SALT_BYTES, Seal

KIND = "customer"
ALGORITHM = "AES256"
_HEADER = "x-amz-server-side-encryption"
_REQUIRED = "Requests specifying Server Side Encryption with Customer provided keys must provide"


class CustomerKey(NamedTuple):
    key: bytes
    md5: str

    @property
    def members(self) -> dict[str, str]:
        """What answers say of it."""
        return {"SSECustomerAlgorithm": ALGORITHM, "SSECustomerKeyMD5": self.md5}


def given(params: Mapping[str, Any], prefix: str = "SSECustomer") -> CustomerKey | None:
    """The key of a request; `CopySourceSSECustomer` is that of a copy's source.  Raises what is wrong with it."""
    algorithm, key, md5 = params.get(f"{prefix}Algorithm"), params.get(f"{prefix}Key"), params.get(f"{prefix}KeyMD5")
    if algorithm is None and key is None and md5 is None:
        return None
    if algorithm is not None and algorithm != ALGORITHM:
        message = "The Encryption request you specified is not valid. Supported value: AES256."
        raise ServiceError("InvalidEncryptionAlgorithmError", message, 400, fields={"ArgumentName": _HEADER, "ArgumentValue": algorithm})
    if algorithm is None:
        raise errors.invalid_argument(f"{_REQUIRED} a valid encryption algorithm.", _HEADER)
    if key is None:
        raise errors.invalid_argument(f"{_REQUIRED} an appropriate secret key.", _HEADER)
    secret = _decoded(key)
    if secret is None or len(secret) != KEY_BYTES:
        raise errors.invalid_argument("The secret key was invalid for the specified algorithm.", _HEADER)
    if md5 is None:
        raise errors.invalid_argument(f"{_REQUIRED} the client calculated MD5 of the secret key.", _HEADER)
    computed = base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode()
    if md5 != computed:
        raise errors.invalid_argument("The calculated MD5 hash of the key did not match the hash that was provided.", _HEADER)
    return CustomerKey(secret, computed)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def kept(customer: CustomerKey, ids: Ids) -> dict[str, str]:
    """What is stored in the key's place: enough to know it again."""
    salt = ids.bytes(SALT_BYTES)
    return {"by": KIND, "salt": base64.b64encode(salt).decode(), "mac": hmac.digest(customer.key, salt, "sha256").hex()}


def seal(customer: CustomerKey) -> Seal:
    return Seal(customer.key, has_md5_etag=False)


def matches(of: Mapping[str, Any], customer: CustomerKey) -> bool:
    """Whether this is the key that `of` was kept of."""
    mac = hmac.digest(customer.key, base64.b64decode(of["salt"]), "sha256").hex()
    return hmac.compare_digest(mac, of["mac"])
