"""Lambda's errors, with AWS's codes and texts.  AWS: Lambda API reference, the errors of each operation."""

from __future__ import annotations

from tule.core.errors import ServiceError

_USER = {"Type": "User"}


def invalid_parameter(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, 400, fields=_USER)


def constraint(member: str, value: object, rule: str) -> ServiceError:
    """A bound that the service keeps tighter than its model does."""
    return ServiceError(
        "ValidationException", f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}", 400
    )


def not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 404, fields=_USER)


def function_not_found(arn: str) -> ServiceError:
    return not_found(f"Function not found: {arn}")


def resource_absent() -> ServiceError:
    return not_found("The resource you requested does not exist.")


def alias_not_found(arn: str) -> ServiceError:
    return not_found(f"Alias not found: {arn}")


def conflict(message: str) -> ServiceError:
    return ServiceError("ResourceConflictException", message, 409, fields=_USER)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message, 400, fields=_USER)


def function_exists(name: str) -> ServiceError:
    return conflict(f"Function already exist: {name}")


def precondition_failed(operation: str) -> ServiceError:
    """The RevisionId that was given is not the latest; `operation` is the one that tells the latest."""
    return ServiceError(
        "PreconditionFailedException",
        f"The Revision Id provided does not match the latest Revision Id. Call the {operation} API to retrieve the latest Revision Id",
        412,
        fields=_USER,
    )


def role_not_assumable() -> ServiceError:
    return invalid_parameter("The role defined for the function cannot be assumed by Lambda.")


def bad_zip() -> ServiceError:
    return invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again.")


def too_large_unzipped(limit: int) -> ServiceError:
    return invalid_parameter(f"Unzipped size must be smaller than {limit} bytes")


def too_large_with_layers(size: int, limit: int) -> ServiceError:
    return invalid_parameter(
        f"Function code combined with layers exceeds the maximum allowed size of {limit} bytes. The actual size is {size} bytes."
    )


def request_entity_too_large(limit: int, operation: str) -> ServiceError:
    return ServiceError(
        "RequestEntityTooLargeException", f"Request must be smaller than {limit} bytes for the {operation} operation", 413, fields=_USER
    )


def payload_too_large(size: int, invocation_type: str, limit: int) -> ServiceError:
    return ServiceError(
        "RequestTooLargeException",
        f"{size} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)",
        413,
        fields=_USER,
    )


def unreadable_payload(complaint: str) -> ServiceError:
    return ServiceError(
        "InvalidRequestContentException",
        f"Could not parse request body into json: Could not parse payload into json: {complaint}",
        400,
        fields=_USER,
    )


def unreadable_client_context() -> ServiceError:
    return ServiceError("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.", 400, fields=_USER)


def throttled(reason: str, retry_after_s: int = 0) -> ServiceError:
    """`reason` is a ThrottleReason, such as ReservedFunctionConcurrentInvocationLimitExceeded.  When a place is free again
    nobody knows, and so only of a rate is told when it may be tried again."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    return ServiceError("TooManyRequestsException", "Rate Exceeded.", 429, fields={**_USER, "Reason": reason}, headers=headers)


def called_too_often() -> ServiceError:
    return ServiceError("TooManyRequestsException", "Rate exceeded", 429, fields={**_USER, "Reason": "CallerRateLimitExceeded"})


def recursive_invocation() -> ServiceError:
    return ServiceError(
        "RecursiveInvocationException",
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation.",
        400,
        fields=_USER,
    )


def function_cannot_run(reason: str) -> ServiceError:
    return ServiceError("ServiceException", f"The function could not be run: {reason}", 500, fields={"Type": "Service"})


def key_unusable(operation: str, refusal: ServiceError) -> ServiceError:
    """KMS refuses to encrypt an environment, or to let the function's role decrypt it."""
    told = f"KMS Exception: {refusal.code} KMS Message: {refusal.message}"
    if refusal.code == "AccessDeniedException":
        start = "Lambda was unable to configure access to your environment variables because KMS access was denied."
        return ServiceError("AccessDeniedException", f"{start} Please check your KMS permissions. {told}", 403, fields=_USER)
    start = f"Lambda was unable to configure access to your environment variables because the KMS key is invalid for {operation}."
    return invalid_parameter(f"{start} Please check your KMS key settings. {told}")


def environment_locked(code: str, why: str, refusal: ServiceError) -> ServiceError:
    """The function's role cannot decrypt its environment."""
    text = f"Lambda was unable to decrypt the environment variables because {why}. Please check the function's KMS key settings."
    return ServiceError(code, f"{text} KMS Exception: {refusal.code} KMS Message: {refusal.message}", 502, fields={"Type": "Service"})


def environment_hidden(refusal: ServiceError) -> str:
    """Who looks at a function cannot decrypt its environment."""
    text = "Lambda was unable to decrypt your environment variables because the KMS access was denied. Please check your KMS permissions."
    return f"{text} KMS Exception: {refusal.code} KMS Message: {refusal.message}"


def update_in_progress(arn: str) -> ServiceError:
    return conflict(f"The operation cannot be performed at this time. An update is in progress for resource: {arn}")
