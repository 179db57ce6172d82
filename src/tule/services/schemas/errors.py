"""The service's errors.  AWS: EventBridge Schemas API reference; each carries its code a second time in its body."""

from __future__ import annotations

from tule.core.errors import ServiceError


def _error(code: str, message: str, status: int) -> ServiceError:
    return ServiceError(code, message, status, fields={"Code": code})


def bad_request(message: str) -> ServiceError:
    return _error("BadRequestException", message, 400)


def forbidden(message: str) -> ServiceError:
    return _error("ForbiddenException", message, 403)


def conflict(message: str) -> ServiceError:
    return _error("ConflictException", message, 409)


def precondition_failed(message: str) -> ServiceError:
    return _error("PreconditionFailedException", message, 412)


def not_found(message: str) -> ServiceError:
    return _error("NotFoundException", message, 404)


def no_registry(name: str) -> ServiceError:
    return not_found(f"Registry with name {name} does not exist.")


def no_schema(registry: str, name: str) -> ServiceError:
    return not_found(f"Schema with name {name} does not exist in registry {registry}.")


def no_version(name: str, version: str) -> ServiceError:
    return not_found(f"Version {version} of schema {name} does not exist.")


def no_discoverer(id: str) -> ServiceError:
    return not_found(f"Discoverer with ID {id} does not exist.")


def read_only(registry: str) -> ServiceError:
    return forbidden(f"The registry {registry} belongs to AWS and cannot be changed.")


def no_binding(key: str) -> ServiceError:
    registry, name, version, language = key.split("/")
    return not_found(f"Code binding for language {language} of schema {name}, version {version}, in registry {registry} does not exist.")
