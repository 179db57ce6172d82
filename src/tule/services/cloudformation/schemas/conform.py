"""Properties against their schema: made of the right types, and refused in AWS's words where they are not.

AWS: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

CloudFormation takes `"3"` for 3 and `"true"` for true, and the other way round; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.schemas import schemas
from tule.services.cloudformation.schemas.schemas import Schema
from tule.services.cloudformation.template.evaluate import UNKNOWN, is_known, text

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
MAX_REFERENCES = 20
FREE = frozenset({"AWS::CloudFormation::CustomResource"})  # whose properties are anything


def conformed(logical_id: str, type_name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with real booleans and numbers.  Raises TemplateError with all that the schema refuses."""
    schema = schemas.find(type_name)
    if schema is None or type_name in FREE:
        return dict(properties)
    coerced = _coerced(dict(properties), schema, schema)
    found = list(problems(coerced, type_name))
    if found:
        raise TemplateError(f"Properties validation failed for resource {logical_id} with message:\n[{', '.join(found)}]")
    return coerced


def problems(properties: Mapping[str, Any], type_name: str) -> Iterator[str]:
    """What the schema refuses in coerced properties.  What is UNKNOWN is left alone."""
    schema = schemas.find(type_name)
    if schema is not None:
        yield from _problems(properties, schema, schema, "#")


def unsupported(properties: Mapping[str, Any], type_name: str) -> str | None:
    """The first property that the type does not have."""
    schema = schemas.find(type_name)
    if schema is None or not schema.get("properties") or type_name in FREE or schema.get("additionalProperties") is not False:
        return None
    return next((name for name in properties if name not in schema["properties"]), None)


def _resolved(schema: Schema, root: Schema) -> Schema:
    for _ in range(MAX_REFERENCES):
        reference = schema.get("$ref")
        if reference is None:
            return schema
        target: Any = root
        for part in reference.removeprefix("#/").split("/"):
            target = target.get(part, {})
        schema = target
    return {}


def _types(schema: Schema) -> tuple[str, ...]:
    kind = schema.get("type")
    if kind is None:
        return ("object",) if "properties" in schema or "patternProperties" in schema else ()
    return tuple(kind) if isinstance(kind, list) else (kind,)


def _coerced(value: Any, schema: Schema, root: Schema) -> Any:
    schema = _resolved(schema, root)
    if isinstance(value, dict):
        return {key: _coerced(inner, _property(schema, key, root), root) for key, inner in value.items()}
    if isinstance(value, list):
        return [_coerced(item, _items(schema), root) for item in value]
    if value is UNKNOWN or value is None:
        return value
    return _coerced_scalar(value, _types(schema))


def _property(schema: Schema, name: str, root: Schema) -> Schema:
    found = schema.get("properties", {}).get(name)
    if found is not None:
        return found
    for pattern, inner in schema.get("patternProperties", {}).items():
        if _search(pattern, name):
            return inner
    for choice in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(choice, ()):
            within = _property(_resolved(inner, root), name, root)
            if within:
                return within
    additional = schema.get("additionalProperties")
    return additional if isinstance(additional, dict) else {}


def _items(schema: Schema) -> Schema:
    items = schema.get("items")
    return items if isinstance(items, dict) else {}


def _coerced_scalar(value: Any, types: tuple[str, ...]) -> Any:
    if types and types[0] == "string":  # or anything else: what is written into text
        return text(value)
    if not types or _is_of(value, types):
        return value
    if "string" in types:
        return text(value)
    if isinstance(value, str):
        if "boolean" in types and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if "integer" in types and re.fullmatch(r"[+-]?\d+", value):
            return int(value)
        if "number" in types and NUMBER.fullmatch(value):
            return float(value) if re.search(r"[.eE]", value) else int(value)
    if "integer" in types and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_of(value: Any, types: tuple[str, ...]) -> bool:
    return any(_IS[kind](value) for kind in types if kind in _IS)


_IS = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}
_SAYS = {
    "string": "String",
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
    "object": "JSONObject",
    "array": "JSONArray",
    "null": "Null",
}


def _problems(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    if value is UNKNOWN:
        return
    schema = _resolved(schema, root)
    types = _types(schema)
    if types and not _is_of(value, types):
        if "object" in types and isinstance(value, str) and "properties" not in schema:  # a policy document may be given as text
            return
        yield f"{path}: expected type: {_SAYS.get(types[0], types[0])}, found: {_found(value)}"
        return
    yield from _of_scalar(value, schema, path)
    if isinstance(value, dict):
        yield from _of_object(value, schema, root, path)
    elif isinstance(value, list):
        yield from _of_array(value, schema, root, path)


def _found(value: Any) -> str:
    return next(_SAYS[kind] for kind, test in _IS.items() if test(value))


def _of_scalar(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if "enum" in schema and not isinstance(value, dict | list) and value not in schema["enum"] and text(value) not in map(text, schema["enum"]):
        yield f"{path}: {text(value)} is not a valid enum value"
    if isinstance(value, str) and "{{resolve:" not in value:
        yield from _of_text(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            yield f"{path}: {value} is not greater or equal to {schema['minimum']}"
        if "maximum" in schema and value > schema["maximum"]:
            yield f"{path}: {value} is not less or equal to {schema['maximum']}"


def _of_text(value: str, schema: Schema, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: expected minLength: {schema['minLength']}, actual: {len(value)}"
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield f"{path}: expected maxLength: {schema['maxLength']}, actual: {len(value)}"
    pattern = schema.get("pattern")
    if pattern and not _search(pattern, value):
        yield f"{path}: failed validation constraint for keyword [pattern]"


def _of_object(value: dict[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    allowed = schema.get("additionalProperties")
    for name, inner in value.items():
        definition = _property(schema, name, root)
        if not definition and allowed is False and name not in schema.get("properties", {}) and not _has_choices(schema):
            yield f"{path}: extraneous key [{name}] is not permitted"
        else:
            yield from _problems(inner, definition, root, f"{path}/{name}")


def _has_choices(schema: Schema) -> bool:
    return any(choice in schema for choice in ("anyOf", "oneOf", "allOf"))


def _of_array(value: list[Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: expected minimum item count: {schema['minItems']}, found: {len(value)}"
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield f"{path}: expected maximum item count: {schema['maxItems']}, found: {len(value)}"
    if schema.get("uniqueItems") and is_known(value) and _has_twins(value):
        yield f"{path}: array items are not unique"
    for index, item in enumerate(value):
        yield from _problems(item, _items(schema), root, f"{path}/{index}")


def _has_twins(value: list[Any]) -> bool:
    said = [orjson.dumps(item, option=orjson.OPT_SORT_KEYS, default=repr) for item in value]
    return len(set(said)) < len(said)


def _search(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for the few patterns that Python does not understand: they refuse nothing."""
    try:
        return re.compile(pattern)
    except re.error:
        return None
