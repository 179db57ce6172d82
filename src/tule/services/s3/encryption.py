"""Encryption at rest: which keys a new object gets, by its request and its bucket's default, and how the keys of one are found again.

Four ways: keys of S3 itself (SSE-S3, the default), of KMS (SSE-KMS), of both at once (DSSE-KMS), and of the customer (SSE-C).
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from tule.platform.call import Call
from tule.services.s3 import customer_keys, errors, kms_keys, node_keys
from tule.services.s3.customer_keys import CustomerKey
from tule.services.s3.node_keys import NodeKeys
from tule.services.s3.sealing import Seal
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

DEFAULT: list[dict[str, Any]] = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
MEMBERS = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm")
REQUEST = (
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
    "SSEKMSEncryptionContext",
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
)
_REQUEST = frozenset(REQUEST)
_KMS = "aws:kms"
_DSSE = "aws:kms:dsse"
_BY_KMS = (_KMS, _DSSE)
_ALGORITHMS = ("AES256", *_BY_KMS)
_OWN_KEYS = {"ServerSideEncryption": "AES256"}
_HEADER = "x-amz-server-side-encryption"


class Protection(NamedTuple):
    """How new bytes are kept: `seal` encrypts them, `sealed` is stored with them, `kept` with the object's headers; `told` is answered."""

    seal: Seal | None
    sealed: bytes | None
    kept: Mapping[str, Any]
    told: Mapping[str, Any]


Unlock = Callable[[Call], Awaitable[Seal]]


# What may be asked for.


def checked(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A bucket's default encryption.  Raises MalformedXML or InvalidArgument."""
    if len(rules) != 1:
        raise errors.malformed_xml()
    rule = dict(rules[0])
    default = rule.get("ApplyServerSideEncryptionByDefault")
    if not default or default.get("SSEAlgorithm") not in _ALGORITHMS:
        raise errors.malformed_xml()
    if default["SSEAlgorithm"] == "AES256" and default.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise errors.invalid_argument(message, "ApplyServerSideEncryptionByDefault")
    rule.setdefault("BucketKeyEnabled", False)
    return [rule]


def check_request(params: Mapping[str, Any]) -> None:
    """The encryption that a write asks for.  Raises InvalidArgument and InvalidEncryptionAlgorithmError."""
    if is_foreseen(params):
        return
    asked, key = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
    customer = customer_keys.given(params)
    if customer is not None and asked is not None:
        message = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
        raise errors.invalid_argument(message, _HEADER, asked)
    if asked is not None and asked not in _ALGORITHMS:
        raise errors.invalid_argument("The encryption method specified is not supported", _HEADER, asked)
    if key is not None and asked not in _BY_KMS:
        message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
        raise errors.invalid_argument(message, _HEADER, asked)
    if params.get("SSEKMSEncryptionContext") is not None:
        _user_context(params)


def _user_context(params: Mapping[str, Any]) -> dict[str, str]:
    """The encryption context that comes with a request: JSON in base64."""
    text = params.get("SSEKMSEncryptionContext")
    if text is None:
        return {}
    try:
        found = orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        message = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON with the encryption context."
        raise errors.invalid_argument(message, "x-amz-server-side-encryption-context", text)
    return found


# Writing.


async def of_write(call: Call, params: Mapping[str, Any], bucket: Bucket) -> Protection:
    """Keys for a new object.  Raises AccessDenied, and KMS's errors."""
    customer = customer_keys.given(params)
    rule: Mapping[str, Any] = (bucket.config.get("Encryption") or DEFAULT)[0]
    if customer is not None:
        return _by_customer(call, customer, rule)
    asked = params.get("ServerSideEncryption")
    if asked == "AES256" or (asked is None and wants_own_keys(bucket)):
        return await by_node(call)
    return await _by_kms(call, params, bucket, rule)


def is_foreseen(params: Mapping[str, Any]) -> bool:
    """Whether a request leaves it to its bucket, most of which want S3's own keys."""
    return _REQUEST.isdisjoint(params)


def wants_own_keys(bucket: Bucket) -> bool:
    """What a bucket wants for those that leave it to it."""
    rules = bucket.config.get("Encryption")
    return rules is None or rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] not in _BY_KMS


async def by_node(call: Call) -> Protection:
    """SSE-S3."""
    key, wrapped = await NodeKeys.of(call.node).new(call.node)
    return Protection(Seal(key, has_md5_etag=True), wrapped, {}, _OWN_KEYS)


def _by_customer(call: Call, customer: CustomerKey, rule: Mapping[str, Any]) -> Protection:
    if "SSE-C" in ((rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or ()):
        raise errors.access_denied()
    kept = {"SSECustomerAlgorithm": customer_keys.ALGORITHM}
    return Protection(customer_keys.seal(customer), orjson.dumps(customer_keys.kept(customer, call.node.ids)), kept, customer.members)


async def _by_kms(call: Call, params: Mapping[str, Any], bucket: Bucket, rule: Mapping[str, Any]) -> Protection:
    default: Mapping[str, Any] = rule["ApplyServerSideEncryptionByDefault"]
    asked = params.get("ServerSideEncryption")
    algorithm = asked or default["SSEAlgorithm"]
    key_id = params.get("SSEKMSKeyId") or (None if asked else default.get("KMSMasterKeyID")) or kms_keys.MANAGED
    by_bucket = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled", False) and default["SSEAlgorithm"] == _KMS)
    if algorithm == _DSSE:
        by_bucket = False  # AWS: bucket keys are not supported for DSSE-KMS
    seal, kept = await kms_keys.new(call, bucket, key_id, params["Key"], _user_context(params), by_bucket=by_bucket)
    if algorithm == _DSSE:
        outer, wrapped = await NodeKeys.of(call.node).new(call.node)
        kept["outer"] = base64.b64encode(wrapped).decode()
        seal = seal.within(outer)
    told: dict[str, Any] = {"ServerSideEncryption": algorithm, "SSEKMSKeyId": kept["key"]}
    if by_bucket:
        told["BucketKeyEnabled"] = True
    return Protection(seal, orjson.dumps(kept), told, told)


# Finding the keys of stored bytes.


def can_share(sealed: bytes | None, protection: Protection) -> bool:
    """Whether a copy with this protection may use its source's bytes as they are."""
    return protection.seal is not None and protection.seal.has_md5_etag and (sealed is None or sealed.startswith(node_keys.KIND))


def seal_of(call: Call, tx: Tx, bucket: Bucket, sealed: bytes | None, customer: CustomerKey | None) -> Seal | Unlock | None:
    """The seal of stored bytes; a coroutine function that gets it where KMS must be asked; None where they are not sealed.

    `customer` is the key that came with the request.  Raises InvalidRequest where it is missing or too much, AccessDenied where it
    is the wrong one, and Damaged."""
    if sealed is None or sealed.startswith(node_keys.KIND):
        if customer is not None:
            raise errors.invalid_request("The encryption parameters are not applicable to this object.")
        return None if sealed is None else Seal(NodeKeys.of(call.node).unwrap(tx, sealed), has_md5_etag=True)
    kept = orjson.loads(sealed)
    if kept["by"] == customer_keys.KIND:
        return _with_key(kept, customer)
    if customer is not None:
        raise errors.invalid_request("The encryption parameters are not applicable to this object.")
    outer = NodeKeys.of(call.node).unwrap(tx, base64.b64decode(kept["outer"])) if "outer" in kept else None

    async def unlock(call: Call) -> Seal:
        seal = Seal(await kms_keys.key_of(call, bucket, kept), has_md5_etag=False)
        return seal if outer is None else seal.within(outer)

    return unlock


def _with_key(kept: Mapping[str, Any], customer: CustomerKey | None) -> Seal:
    if customer is None:
        message = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        raise errors.invalid_request(message)
    if not customer_keys.matches(kept, customer):
        raise errors.access_denied()
    return customer_keys.seal(customer)


async def opened(call: Call, found: Seal | Unlock | None) -> Seal | None:
    """What `seal_of` gave, once KMS was asked where it must be."""
    return await found(call) if callable(found) else found


# What answers say.


def told(headers: bytes, customer: CustomerKey | None = None) -> dict[str, Any]:
    """The encryption of an object, by its stored headers."""
    if customer is not None:
        return customer.members
    if b"SSEKMSKeyId" not in headers:
        return {} if b'"SSECustomerAlgorithm"' in headers else dict(_OWN_KEYS)
    kept = orjson.loads(headers)
    return {name: kept[name] for name in MEMBERS if name in kept}


def members(of: Mapping[str, Any]) -> dict[str, Any]:
    """What answers say of an encryption that was `kept`."""
    return {**_OWN_KEYS, **of} if "SSECustomerAlgorithm" not in of else dict(of)
