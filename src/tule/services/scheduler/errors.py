"""EventBridge Scheduler's errors, with AWS's codes and texts.  AWS: EventBridge Scheduler API reference."""

from __future__ import annotations

from tule.core.errors import ServiceError, validation


def _not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 404)


def _conflict(message: str) -> ServiceError:
    return ServiceError("ConflictException", message, 409)


def no_schedule(name: str) -> ServiceError:
    return _not_found(f"Schedule {name} does not exist.")


def schedule_exists(name: str) -> ServiceError:
    return _conflict(f"Schedule {name} already exists.")


def no_group(name: str) -> ServiceError:
    return _not_found(f"Schedule group {name} does not exist.")


def group_exists(name: str) -> ServiceError:
    return _conflict(f"Schedule group {name} already exists.")


def group_is_deleting(name: str) -> ServiceError:
    return _conflict(f"Schedule group {name} is being deleted.")


def default_group_stays() -> ServiceError:
    return validation("The default schedule group cannot be deleted.")


def invalid_expression(expression: str) -> ServiceError:
    return validation(f"Invalid Schedule Expression {expression}.")


def invalid_zone(zone: str) -> ServiceError:
    return validation(f"Invalid Schedule Expression Timezone {zone}.")


def role_not_assumable() -> ServiceError:
    return validation("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")


def invalid_token() -> ServiceError:
    return validation("Invalid NextToken.")


def role_of_another_account() -> ServiceError:
    return ServiceError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)


def key_refused(kind: str, message: str) -> ServiceError:
    """KMS refuses the schedule's key; `kind` is such as `AccessDenied`."""
    return ServiceError("AccessDeniedException", message, 403) if kind == "AccessDenied" else validation(message)
