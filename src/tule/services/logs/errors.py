"""CloudWatch Logs' errors, with AWS's codes and texts.  AWS: CloudWatch Logs API reference."""

from __future__ import annotations

from tule.core.errors import ServiceError


def invalid_parameter(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message, 400)


def not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 400)


def no_group() -> ServiceError:
    return not_found("The specified log group does not exist.")


def no_stream() -> ServiceError:
    return not_found("The specified log stream does not exist.")


def group_exists() -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", "The specified log group already exists", 400)


def stream_exists() -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", "The specified log stream already exists", 400)


def limit_exceeded() -> ServiceError:
    return ServiceError("LimitExceededException", "Resource limit exceeded.", 400)


def invalid_token() -> ServiceError:
    return invalid_parameter("The specified nextToken is invalid.")


def constraint(member: str, value: object, rule: str) -> ServiceError:
    return invalid_parameter(f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}")


def validation(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, 400)


def key_not_allowed(group_arn: str) -> ServiceError:
    return invalid_parameter(f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{group_arn}'")


def key_refused(message: str) -> ServiceError:
    return invalid_parameter(f"The KMS key of the log group cannot be used: {message}")
