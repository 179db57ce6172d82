"""EventBridge Pipes' errors, with AWS's codes and texts.  AWS: EventBridge Pipes API reference."""

from __future__ import annotations

import orjson

from tule.core.errors import ServiceError


def invalid_field(name: str, message: str) -> ServiceError:
    """The message is JSON that names the member."""
    told = orjson.dumps({"ValidationErrorFields": [{"Name": name, "Message": message}]}).decode()
    return ServiceError("ValidationException", told, 400, fields={"fieldList": [{"name": name, "message": message}]})


def no_pipe(name: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Pipe {name} does not exist.", 404)


def pipe_exists(name: str) -> ServiceError:
    return _conflict(name, f"Pipe {name} already exists.")


def pipe_in_passing(name: str, state: str) -> ServiceError:
    return _conflict(name, f"Pipe {name} is in {state} state.")


def _conflict(name: str, message: str) -> ServiceError:
    return ServiceError("ConflictException", message, 409, fields={"resourceId": name, "resourceType": "pipe"})


def invalid_token() -> ServiceError:
    return invalid_field("NextToken", "Invalid NextToken.")


def role_of_another_account() -> ServiceError:
    return ServiceError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
