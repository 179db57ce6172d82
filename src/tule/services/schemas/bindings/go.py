"""Go: a struct for each object, and functions between them and JSON.

event, err := order.UnmarshalEvent(bytes)
event.Detail.InstanceId
"""

from __future__ import annotations

import json

from tule.services.schemas.bindings.model import Class, Field, Model, Type

_TYPES = {"string": "string", "time": "time.Time", "integer": "int64", "number": "float64", "boolean": "bool", "any": "interface{}"}

_EVENTS = """package {package}

import (
    "encoding/json"
)

func UnmarshalEvent(data []byte) (AWSEvent, error) {{
    var event AWSEvent
    err := json.Unmarshal(data, &event)
    return event, err
}}

func (event *AWSEvent) Marshal() ([]byte, error) {{
    return json.Marshal(event)
}}
"""


def files(model: Model) -> dict[str, str]:
    there, package = model.directory, _package(model)
    found = {f"{there}/{name}.go": _struct(package, each) for name, each in model.classes.items()}
    return found | ({f"{there}/marshaller.go": _EVENTS.format(package=package)} if model.is_event else {})


def _package(model: Model) -> str:
    name = model.package[-1]
    return f"_{name}" if name[:1].isdigit() else name


def _struct(package: str, each: Class) -> str:
    needs_time = any("time.Time" in _type(found.type) for found in each.fields)
    imports = 'import (\n    "time"\n)\n\n' if needs_time else ""
    names = _names(each.fields)
    fields = "".join(f"    {names[found]} {_type(found.type)} {_tag(found)}\n" for found in each.fields)
    return f"package {package}\n\n{imports}type {each.name} struct {{\n{fields}}}\n"


def _names(fields: tuple[Field, ...]) -> dict[Field, str]:
    """Exported, and each once."""
    found: dict[Field, str] = {}
    for each in fields:
        name, count = f"F{each.pascal}" if each.pascal[0].isdigit() else each.pascal, 1
        while name in found.values():
            name, count = f"{each.pascal}_{count}", count + 1
        found[each] = name
    return found


def _tag(found: Field) -> str:
    return "`json:" + json.dumps(f"{found.name},omitempty") + "`"


def _type(found: Type) -> str:
    if found.of is not None:
        return f"[]{_type(found.of)}"
    return f"*{found.name}" if found.name else _TYPES[found.kind]
