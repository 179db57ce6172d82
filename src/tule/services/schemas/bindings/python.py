"""Python 3.6 and later: a class for each object, and a marshaller between them and what `json` reads.

event = Marshaller.unmarshall(event, AWSEvent)
event.detail.instance_id
"""

from __future__ import annotations

import keyword

from tule.services.schemas.bindings.model import Class, Field, Model, Type

_TYPES = {"string": "str", "time": "datetime", "integer": "int", "number": "float", "boolean": "bool", "any": "object"}

_CLASS = """# coding: utf-8


class {name}(object):

    _types = {types}

    _attribute_map = {attributes}

    def __init__(self, {arguments}):
        {assignments}

    def to_dict(self):
        return {{name: _plain(getattr(self, name)) for name in self._types}}

    def __repr__(self):
        return "{name}({{}})".format(self.to_dict())

    def __eq__(self, other):
        return isinstance(other, {name}) and self.__dict__ == other.__dict__

    def __ne__(self, other):
        return not self == other


def _plain(value):
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.to_dict() if hasattr(value, "to_dict") else value
"""

_MARSHALLER = '''# coding: utf-8
import datetime
import re

import {package}


class Marshaller(object):
    _PRIMITIVES = {{"str": str, "int": int, "float": float, "bool": bool}}

    @classmethod
    def marshall(cls, obj):
        """What json.dumps takes, with the names that the event has."""
        if isinstance(obj, (list, tuple)):
            return [cls.marshall(each) for each in obj]
        if isinstance(obj, dict):
            return {{name: cls.marshall(each) for name, each in obj.items()}}
        if isinstance(obj, (datetime.datetime, datetime.date)):
            return obj.isoformat().replace("+00:00", "Z")
        if not hasattr(obj, "_types"):
            return obj
        found = {{}}
        for attribute, name in obj._attribute_map.items():
            value = getattr(obj, attribute)
            if value is not None:
                found[name] = cls.marshall(value)
        return found

    @classmethod
    def unmarshall(cls, data, typeName):
        """An object of the class, from what json.loads gives."""
        if data is None:
            return None
        if isinstance(typeName, str):
            if typeName.startswith("list["):
                inner = typeName[5:-1]
                return [cls.unmarshall(each, inner) for each in data]
            if typeName == "object":
                return data
            if typeName == "datetime":
                return cls._time(data)
            if typeName in cls._PRIMITIVES:
                return cls._PRIMITIVES[typeName](data) if not isinstance(data, (list, dict)) else data
            typeName = getattr({package}, typeName)
        given = {{}}
        for attribute, inner in typeName._types.items():
            name = typeName._attribute_map[attribute]
            if name in data:
                given[attribute] = cls.unmarshall(data[name], inner)
        return typeName(**given)

    @staticmethod
    def _time(text):
        match = re.match(r"(\\d+-\\d+-\\d+T\\d+:\\d+:\\d+)(\\.\\d{{1,6}})?\\d*(Z|[+-]\\d+:?\\d+)?$", text)
        if match is None:
            return text
        zone = (match.group(3) or "Z").replace("Z", "+0000").replace(":", "")
        return datetime.datetime.strptime(match.group(1) + (match.group(2) or ".0") + zone, "%Y-%m-%dT%H:%M:%S.%f%z")
'''


def files(model: Model) -> dict[str, str]:
    """Paths and texts.  Every directory is a package."""
    there = model.directory
    found = {"/".join([*model.package[: depth + 1], "__init__.py"]): "" for depth in range(len(model.package))}
    found[f"{there}/__init__.py"] = _package(model)
    found |= {f"{there}/{name}.py": _class(each) for name, each in model.classes.items()}
    found[f"{there}/marshaller.py"] = _MARSHALLER.format(package=".".join(model.package))
    return found


def _package(model: Model) -> str:
    package = ".".join(model.package)
    lines = ["# coding: utf-8", f"from {package}.marshaller import Marshaller"]
    return "\n".join([*lines, *(f"from {package}.{name} import {name}" for name in model.classes), ""])


def _class(each: Class) -> str:
    names = {found: _attribute(found) for found in each.fields}
    return _CLASS.format(
        name=each.name,
        types=_literal({names[found]: _type(found.type) for found in each.fields}),
        attributes=_literal({names[found]: found.name for found in each.fields}),
        arguments=", ".join(f"{names[found]}=None" for found in each.fields) or "**_",
        assignments="\n        ".join(f"self.{names[found]} = {names[found]}" for found in each.fields) or "pass",
    )


def _literal(entries: dict[str, str]) -> str:
    lines = "".join(f"\n        {name!r}: {value!r}," for name, value in entries.items())
    return f"{{{lines}\n    }}" if lines else "{}"


def _attribute(found: Field) -> str:
    return f"_{found.snake}" if keyword.iskeyword(found.snake) or found.snake == "self" else found.snake


def _type(found: Type) -> str:
    if found.of is not None:
        return f"list[{_type(found.of)}]"
    return found.name or _TYPES[found.kind]
