"""From events to the schema that describes them.  Pure.

    shape = merged(shape_of(event) for event in events)
    document = open_api(shape, title)     # or json_schema(...)

Objects inside an event become components of their own, named by their member, as AWS's discoverer names them.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schemas-infer.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

Document = dict[str, Any]

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$")
_ENVELOPE = ("detail-type", "resources", "detail", "id", "source", "time", "region", "version", "account")
_DRAFT_4 = "http://json-schema.org/draft-04/schema#"
MAX_DEPTH = 255


def shape_of(value: Any, depth: int = 0) -> Document:
    """A JSON Schema of this one value, with objects in place.  Raises ValueError when it is nested too deeply."""
    if depth > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels")
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string", "format": "date-time"} if _TIME.match(value) else {"type": "string"}
    if isinstance(value, list):
        return {"type": "array", "items": merged(shape_of(each, depth + 1) for each in value)}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        properties = {str(name): shape_of(each, depth + 1) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return {"type": "object", "required": list(properties), "properties": properties}
    return {"not": {}}


def merged(shapes: Iterable[Document]) -> Document:
    """What describes all of them; of nothing, an object."""
    found = list(shapes)
    return reduce(_merge, found) if found else {"type": "object"}


def _merge(one: Document, other: Document) -> Document:
    if one.get("type") != other.get("type"):
        return other if "not" in one else one
    if one.get("type") == "array":
        return {"type": "array", "items": _merge(one["items"], other["items"])}
    if "properties" in one and "properties" in other:
        both = {**one["properties"], **other["properties"]}
        shared = {name: _merge(one["properties"][name], other["properties"][name]) for name in one["properties"] if name in other["properties"]}
        return {"type": "object", "required": [name for name in one["required"] if name in other["required"]], "properties": both | shared}
    if "properties" in one or "properties" in other:
        return one if "properties" in one else other
    return one if one == other else {"type": one.get("type", "string")}


def component_name(text: str) -> str:
    """`EC2 Instance State-change Notification` is `EC2InstanceStateChangeNotification`, `order` is `Order`."""
    words = re.split(r"[^0-9A-Za-z_]+", text)
    return "".join(word[:1].upper() + word[1:] for word in words if word) or "Event"


def is_event(event: Mapping[str, Any]) -> bool:
    """Whether it has the envelope of EventBridge's events."""
    return {"detail-type", "detail", "source"} <= event.keys()


def open_api(event: Mapping[str, Any], shape: Document) -> Document:
    """The OpenAPI 3 document of events like `event`, of which `shape` is known."""
    title = component_name(str(event["detail-type"])) if is_event(event) else "Event"
    return {
        "openapi": "3.0.0",
        "info": {"version": "1.0.0", "title": title},
        "paths": {},
        "components": {"schemas": _components(event, shape, title, "#/components/schemas/")},
    }


def json_schema(event: Mapping[str, Any], shape: Document) -> Document:
    """The JSON Schema (draft 4) of events like `event`."""
    return as_json_schema(open_api(event, shape))


def as_json_schema(document: Mapping[str, Any]) -> Document:
    """An OpenAPI document's event as JSON Schema: the other components become definitions."""
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    title: str = document.get("info", {}).get("title", "Event")
    top = "AWSEvent" if "AWSEvent" in schemas else title if title in schemas else next(iter(schemas), "")
    definitions = {name: _moved(each) for name, each in schemas.items() if name != top}
    return {"$schema": _DRAFT_4, "title": title, "definitions": definitions, **_moved(schemas.get(top, {}))}


def _moved(value: Any) -> Any:
    """With references to definitions in place of components."""
    if isinstance(value, Mapping):
        return {name: _reference(each) if name == "$ref" else _moved(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_moved(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _reference(text: Any) -> str:
    return str(text).replace("#/components/schemas/", "#/definitions/")


def _components(event: Mapping[str, Any], shape: Document, title: str, place: str) -> Document:
    made: Document = {}
    if not is_event(event):
        _name(made, title, shape, place)
        return made
    properties: Document = {}
    made["AWSEvent"] = {
        "type": "object",
        "required": list(_ENVELOPE),
        "x-amazon-events-detail-type": event["detail-type"],
        "x-amazon-events-source": event["source"],
        "properties": properties,
    }
    properties |= {
        "detail": _placed(made, title, shape["properties"]["detail"], place),
        "account": {"type": "string"},
        "detail-type": {"type": "string"},
        "id": {"type": "string"},
        "region": {"type": "string"},
        "resources": {"type": "array", "items": {"type": "string" if event.get("resources") else "object"}},
        "source": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "version": {"type": "string"},
    }
    return made


def _placed(made: Document, name: str, shape: Document, place: str) -> Document:
    """The shape where it stands: objects by reference."""
    if "properties" in shape:
        return {"$ref": place + _name(made, name, shape, place)}
    if shape.get("type") == "array":
        return {"type": "array", "items": _placed(made, f"{name}Item", shape["items"], place)}
    return shape


def _name(made: Document, wanted: str, shape: Document, place: str) -> str:
    """The component that this object is now, under a name that none had before."""
    name, count = wanted, 1
    while name in made:
        name, count = f"{wanted}_{count}", count + 1
    component = made[name] = {"type": "object", "required": shape.get("required", []), "properties": {}}
    if not component["required"]:
        del component["required"]
    component["properties"] = {each: _placed(made, component_name(each), inner, place) for each, inner in shape.get("properties", {}).items()}
    return name
