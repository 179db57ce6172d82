"""Errors of CloudFormation, in AWS's words.  AWS: CloudFormation API reference, Common errors and each operation's Errors."""

from __future__ import annotations

from collections.abc import Iterable

from tule.core.errors import ServiceError


def validation(message: str) -> ServiceError:
    """`ValidationError`: the query protocol's refusal of a bad input."""
    return ServiceError("ValidationError", message, 400)


def stack_with_id_does_not_exist(name: str) -> ServiceError:
    return validation(f"Stack with id {name} does not exist")


def stack_does_not_exist(name: str) -> ServiceError:
    return validation(f"Stack [{name}] does not exist")


def already_exists(name: str) -> ServiceError:
    return ServiceError("AlreadyExistsException", f"Stack [{name}] already exists", 400)


def change_set_not_found(name: str) -> ServiceError:
    return ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def change_set_already_exists(name: str) -> ServiceError:
    return ServiceError("AlreadyExistsException", f"ChangeSet {name} cannot be created due to a mismatch with existing attribute Template", 400)


def change_set_not_executable(change_set_id: str, status: str) -> ServiceError:
    return ServiceError("InvalidChangeSetStatus", f"ChangeSet [{change_set_id}] cannot be executed in its current status of [{status}]", 400)


def insufficient_capabilities(capabilities: Iterable[str]) -> ServiceError:
    return ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(capabilities)}]", 400)


def token_already_exists(token: str) -> ServiceError:
    return ServiceError("TokenAlreadyExistsException", f"Token [{token}] already exists", 400)


def termination_protection(name: str) -> ServiceError:
    return validation(f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")


def in_state(stack_id: str, status: str, action: str) -> ServiceError:
    """`action` is what cannot be done: `updated`, `deleted`."""
    return validation(f"Stack:{stack_id} is in {status} state and can not be {action}.")


def not_built(types: Iterable[str]) -> ServiceError:
    """AWS knows these types and Tule does not build them yet."""
    return ServiceError("NotImplemented", f"The resource types [{', '.join(types)}] are not implemented by Tule yet.", 501)


def type_not_found(name: str) -> ServiceError:
    return ServiceError("TypeNotFoundException", f"The type '{name}' cannot be found.", 404)


class TemplateError(Exception):
    """What is wrong with a template, in AWS's words; said to the client as a ValidationError, or as a stack's failure reason."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def as_service_error(self) -> ServiceError:
        return validation(self.message)


class Failed(TemplateError):
    """Somebody outside said no.  `physical_id` is what he says there is all the same."""

    def __init__(self, message: str, physical_id: str = "") -> None:
        super().__init__(message)
        self.physical_id = physical_id
