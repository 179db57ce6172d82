"""Filter criteria of mappings that name a key of KMS: encrypted where they are kept.

Whoever sets them needs the key (GenerateDataKey), whoever looks at them needs it too (Decrypt); to read the source, Lambda
decrypts them itself, as the key's policy must allow it to, for the mapping's ARN.  Listings leave them out.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filter-criteria-encryption
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.principal import Principal, aws_service
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused
from tule.platform.node import Node
from tule.services.lambda_ import errors
from tule.services.lambda_.execution_role import LAMBDA

_CODES = {"InvalidState": "KMSInvalidStateException"}

Params = dict[str, Any]


async def seal(call: Call, shown: Params) -> str | None:
    """What to keep in place of the criteria, which are taken out of `shown`; None where they are not to be encrypted.

    Raises InvalidParameterValueException.
    """
    key = shown.get("KMSKeyArn")
    if not key or "FilterCriteria" not in shown:
        return None
    context = {"aws-crypto-ec:aws:lambda:EventSourceArn": shown["EventSourceArn"]}
    holder = Holder(call.principal, LAMBDA, call.region, key, context)
    try:
        sealed = await encryption.seal(call.node, holder, [orjson.dumps(shown["FilterCriteria"])])
    except KeyRefused as refusal:
        told = f"KMS Exception: {_code(refusal)} KMS Message: {refusal.message}"
        raise errors.invalid_parameter(f"Lambda was unable to encrypt the filter criteria with the KMS key. {told}") from refusal
    del shown["FilterCriteria"]
    return base64.b64encode(sealed[0]).decode()


async def opened(node: Node, principal: Principal, region: str, sealed: str) -> Params:
    """The criteria.  Raises KeyRefused."""
    (text,) = await encryption.unseal(node, principal, LAMBDA, region, [base64.b64decode(sealed)])
    return orjson.loads(text)


async def for_polling(node: Node, account: str, region: str, mapping_arn: str, sealed: str) -> Params:
    """The criteria, for Lambda itself.  Raises KeyRefused."""
    return await opened(node, aws_service(LAMBDA, account, mapping_arn), region, sealed)


async def revealed(call: Call, shown: Params, mapping: Mapping[str, Any]) -> Params:
    """A mapping with its criteria as far as the caller may see them, or with what stands in the way."""
    if (sealed := mapping.get("sealed")) is None:
        return shown
    try:
        return {**shown, "FilterCriteria": await opened(call.node, call.principal, call.region, sealed)}
    except KeyRefused as refusal:
        return {**shown, "FilterCriteriaError": {"ErrorCode": _code(refusal), "Message": refusal.message}}


def _code(refusal: KeyRefused) -> str:
    """KMS's name for it."""
    return _CODES.get(refusal.kind, f"{refusal.kind}Exception")
