"""The keys of a multipart upload: decided when it is created, and found again for each of its parts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.s3 import customer_keys, encryption, errors
from tule.services.s3.customer_keys import CustomerKey
from tule.services.s3.encryption import Protection
from tule.services.s3.sealing import Seal
from tule.services.s3.state import buckets
from tule.services.s3.state.uploads import Upload

_ENCRYPTED = "Encrypted"  # what answers say, in the upload's request
_SEALED = "Sealed"


def kept(protection: Protection) -> dict[str, Any]:
    """For the upload's request."""
    found: dict[str, Any] = {_ENCRYPTED: dict(protection.kept)}
    if protection.sealed is not None:
        found[_SEALED] = base64.b64encode(protection.sealed).decode()
    return found


def protection(upload: Upload) -> Protection:
    """For the object that the upload becomes."""
    text = upload.request.get(_SEALED)
    encrypted = upload.request.get(_ENCRYPTED, {})
    return Protection(None, None if text is None else base64.b64decode(text), encrypted, encryption.members(encrypted))


async def seal(call: Call, params: Mapping[str, Any], upload: Upload) -> Seal | None:
    """For a part.  Raises InvalidRequest where the customer's key is missing or is not that of the upload, and KMS's errors."""
    sealed, customer = protection(upload).sealed, customer_keys.given(params)
    if _is_customers(sealed) and customer is None:
        raise _key_missing()
    _check_given(sealed, customer)

    found = await call.node.store.read(lambda tx: encryption.seal_of(call, tx, buckets.get(tx, params["Bucket"]), sealed, customer))
    return await encryption.opened(call, found)


def check_completion(params: Mapping[str, Any], upload: Upload) -> None:
    """The customer's key must come along where the upload has checksums, and must be the right one.  Raises InvalidRequest."""
    sealed, customer = protection(upload).sealed, customer_keys.given(params)
    if _is_customers(sealed) and customer is None and "Checksum" in upload.request:
        raise _key_missing()
    _check_given(sealed, customer)


def _key_missing() -> ServiceError:
    message = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
    return errors.invalid_request(message)


def _check_given(sealed: bytes | None, customer: CustomerKey | None) -> None:
    if customer is None:
        return
    if not _is_customers(sealed):
        message = "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters."
        raise errors.invalid_request(message)
    if not customer_keys.matches(orjson.loads(sealed or b""), customer):
        raise errors.invalid_request("The provided encryption parameters did not match the ones used originally.")


def _is_customers(sealed: bytes | None) -> bool:
    return sealed is not None and sealed.startswith(b'{"by":"customer"')


def told(upload: Upload, params: Mapping[str, Any]) -> dict[str, Any]:
    """What answers about parts say."""
    customer = customer_keys.given(params)
    return dict(customer.members) if customer is not None else dict(protection(upload).told)
