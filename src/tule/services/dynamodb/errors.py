"""DynamoDB's errors, with AWS's codes and texts.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from tule.core.errors import ServiceError


def validation(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, 400)


def parameter_values(message: str) -> ServiceError:
    """`One or more parameter values were invalid: ...`"""
    return validation(f"One or more parameter values were invalid: {message}")


def constraint(member: str, value: object, rule: str) -> ServiceError:
    """What a violated constraint of the model is called, for constraints that the model does not carry."""
    shown = "null" if value is None else f"'{value}'"
    return validation(f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {rule}")


def invalid_resource_arn(text: str) -> ServiceError:
    return validation(f"Invalid ResourceArn provided as input {text}")


def invalid_table_arn(text: str) -> ServiceError:
    return validation(f"Invalid TableArn: Invalid ResourceArn provided as input {text}")


def not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 400)


def no_resource(name: str = "") -> ServiceError:
    """Of the data plane, for a table that is not there."""
    return not_found("Requested resource not found")


def no_table(name: str) -> ServiceError:
    """Of DescribeTable, DeleteTable, UpdateTable and their like."""
    return not_found(f"Requested resource not found: Table: {name} not found")


def no_resource_at(arn: str) -> ServiceError:
    """Of operations on tags."""
    return not_found(f"Requested resource not found: ResourcArn: {arn} not found")


def table_not_found(name: str) -> ServiceError:
    """TableNotFoundException, of backups, exports and continuous backups."""
    return ServiceError("TableNotFoundException", f"Table not found: {name}", 400)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message, 400)


def table_exists(name: str) -> ServiceError:
    return in_use(f"Table already exists: {name}")


def table_already_exists(name: str) -> ServiceError:
    """Of restores."""
    return ServiceError("TableAlreadyExistsException", f"Table already exists: {name}", 400)


def table_in_use(name: str) -> ServiceError:
    return in_use(f"Attempt to change a resource which is still in use: Table is being created, updated or deleted: {name}")


def limit_exceeded(message: str) -> ServiceError:
    return ServiceError("LimitExceededException", message, 400)


def subscriber_limit(message: str) -> ServiceError:
    return limit_exceeded(f"Subscriber limit exceeded: {message}")


def deletion_protected() -> ServiceError:
    return validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
