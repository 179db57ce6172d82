"""Which KMS key a table is encrypted under.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.dynamodb import errors

DEFAULT_KEY = "alias/aws/dynamodb"


def is_wanted(specification: Mapping[str, Any] | None) -> bool:
    """Whether a KMS key is asked for, in place of the key that DynamoDB owns."""
    if specification is None:
        return False
    if "Enabled" not in specification:
        return "KMSMasterKeyId" in specification
    return specification["Enabled"]


async def key_of(call: Call, specification: Mapping[str, Any] | None) -> str | None:
    """The ARN of the key that a request asks for; None for DynamoDB's own.  Raises ValidationException."""
    if not is_wanted(specification):
        if specification is not None and "KMSMasterKeyId" in specification:
            raise errors.parameter_values("KMSMasterKeyId can only be specified when SSE is enabled")
        return None
    assert specification is not None
    if specification.get("SSEType", "KMS") != "KMS":
        raise errors.parameter_values(f"SSEType {specification['SSEType']} is not supported")
    wanted = specification.get("KMSMasterKeyId", DEFAULT_KEY)
    try:
        found = (await call.invoke("kms", "DescribeKey", {"KeyId": wanted}))["KeyMetadata"]
    except ServiceError as error:
        if error.status >= 500:
            raise
        raise errors.validation(f"KMS validation error: {error.message} (Service: Kms, Status Code: {error.status})") from error
    if not found.get("Enabled", True):
        raise errors.validation(f"KMS validation error: {found['Arn']} is disabled.")
    return found["Arn"]
