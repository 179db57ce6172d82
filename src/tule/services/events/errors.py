"""EventBridge's errors, with AWS's codes and texts.  AWS: EventBridge API reference."""

from __future__ import annotations

from tule.core.errors import ServiceError, validation

__all__ = ["validation"]


def not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message)


def no_bus(name: str) -> ServiceError:
    return not_found(f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> ServiceError:
    return not_found(f"Rule {name} does not exist on EventBus {bus}.")


def exists(message: str) -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", message)


def invalid_pattern(why: str) -> ServiceError:
    return ServiceError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {why}")


def managed_rule(name: str) -> ServiceError:
    return ServiceError("ManagedRuleException", f"Rule {name} is a managed rule that belongs to an AWS service, and can be changed by it only.")


def limit_exceeded() -> ServiceError:
    return ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def invalid_parameter(name: str, why: str = "") -> ServiceError:
    return validation(f"Parameter {name} is not valid." + (f" Reason: {why}" if why else ""))


def policy_too_long() -> ServiceError:
    return ServiceError("PolicyLengthExceededException", "The event bus policy exceeds the maximum length of 10240 characters.")
