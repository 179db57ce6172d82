"""API calls as the AWS SDKs name them: what universal targets of schedules and SDK integrations of state machines are written in.

A service is called by the SDK's identifier (`sfn`, `cognitoidentityprovider`), an operation in camel case (`sendMessage`),
and the members of its input in Pascal case, whatever the service's own model has.
AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tule.core.errors import ServiceError, not_implemented
from tule.wire.http import Body
from tule.wire.malformed import Malformed
from tule.wire.shapes import Shape, Shapes, is_streaming
from tule.wire.timestamps import from_wire

if TYPE_CHECKING:
    from tule.wire.models import Models

_RENAMED: Mapping[str, str] = {
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "cognitosync": "cognito-sync",
    "rdsdata": "rds-data",
    "elasticsearchservice": "es",
    "elasticsearch": "es",
    "databasemigrationservice": "dms",
    "databasemigration": "dms",
    "eventbridge": "events",
    "cloudwatchevents": "events",
    "sfn": "stepfunctions",
    "cloudfrontkeyvaluestore": "cloudfront-keyvaluestore",
    "cloudwatchlogs": "logs",
    "serverlessapplicationrepository": "serverlessrepo",
    "costexplorer": "ce",
    "applicationautoscaling": "application-autoscaling",
    "resourcegroups": "resource-groups",
}
"""SDK identifiers that are not the name by which this house knows the service."""


class SdkCall(NamedTuple):
    service: str
    operation: str
    params: dict[str, Any]


def call(models: Models, service: str, action: str, given: Mapping[str, Any]) -> SdkCall:
    """Raises NotImplemented for a service or an operation that no model here knows, SerializationException for what does not fit."""
    name, operation, shapes, shape = _input(models, service, action)
    return SdkCall(name, operation, {} if shape is None else _structure(shapes, shape, given))


def missing(models: Models, service: str, action: str, given: Mapping[str, Any]) -> list[str]:
    """The members, in Pascal case, that the operation needs and that are not given by that name.  Raises NotImplemented as `call`."""
    shape = _input(models, service, action)[3]
    return [] if shape is None else [name for member in shape.get("required", ()) if (name := pascal(member)) not in given]


def unknown(models: Models, service: str, action: str, given: Mapping[str, Any]) -> list[str]:
    """What is given that the operation does not have.  Raises NotImplemented as `call`."""
    shape = _input(models, service, action)[3]
    known = {pascal(member) for member in shape["members"]} if shape is not None else set[str]()
    return [name for name in given if name not in known]


def pascal(member: str) -> str:
    return member[0].upper() + member[1:]


def _input(models: Models, service: str, action: str) -> tuple[str, str, Shapes, Shape | None]:
    name = _RENAMED.get(service, service)
    model = models.service(name)
    operation = next((found for found in model.operations if found.lower() == action.lower()), None)
    if operation is None:
        raise not_implemented(name, action)
    described = model.operations[operation]
    return name, operation, model.shapes, model.shapes.at(described["input"]) if "input" in described else None


def _structure(shapes: Shapes, shape: Shape, given: Mapping[str, Any]) -> dict[str, Any]:
    """In the model's own names; what it has no name for is left out, as SDKs do."""
    names = {name.lower(): name for name in shape["members"]}
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = key if key in shape["members"] else names.get(key.lower())
        if name is not None and value is not None:
            found[name] = _value(shapes, shapes.at(shape["members"][name]), value)
    return found


def _value(shapes: Shapes, shape: Shape, value: Any) -> Any:
    match shape["type"]:
        case "structure" if isinstance(value, Mapping) and not shape.get("document"):
            return _structure(shapes, shape, value)
        case "list" if isinstance(value, list):
            member = shapes.at(shape["member"])
            return [_value(shapes, member, item) for item in value]
        case "map" if isinstance(value, Mapping):
            member = shapes.at(shape["value"])
            return {key: _value(shapes, member, item) for key, item in value.items()}
        case "blob":
            content = value.encode() if isinstance(value, str) else orjson.dumps(value)
            return Body.of(content) if is_streaming(shape) else content
        case "timestamp":
            return _time(value)
        case _:
            return value


def _time(value: Any) -> float:
    try:
        return from_wire(value)
    except Malformed as error:
        raise ServiceError("SerializationException", str(error), 400) from error
