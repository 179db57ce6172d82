"""How a resource's failure is worded in events.

AWS: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
"""

from __future__ import annotations

from tule.core.errors import ServiceError

EXISTS = frozenset(
    {
        "AlreadyExistsException",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "ConflictException",
        "EntityAlreadyExists",
        "EntityAlreadyExistsException",
        "ResourceAlreadyExistsException",
        "ResourceConflictException",
        "ResourceExistsException",
        "ResourceInUseException",
    }
)


def says_exists(error: ServiceError) -> bool:
    return error.code in EXISTS or error.code.endswith("AlreadyExists")


def says_gone(error: ServiceError) -> bool:
    return error.status == 404 or "NotFound" in error.code or error.code.startswith("NoSuch") or "NonExistent" in error.code


def reason(error: ServiceError, token: str) -> str:
    """AWS's form for what a resource handler says."""
    return f'Resource handler returned message: "{error.message or error.code}" (RequestToken: {token}, HandlerErrorCode: {handler_code(error)})'


def handler_code(error: ServiceError) -> str:
    if says_exists(error):
        return "AlreadyExists"
    if says_gone(error):
        return "NotFound"
    if error.status == 403 or error.code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"):
        return "AccessDenied"
    if error.status == 429 or "Throttl" in error.code:
        return "Throttling"
    if "Limit" in error.code or "Quota" in error.code:
        return "ServiceLimitExceeded"
    return "InvalidRequest" if error.status < 500 else "GeneralServiceException"
