"""Whether plain params that did not come by wire have the kinds of values that the model says.

Readers check kinds as they read; params that another service hands over (Step Functions, CloudFormation) are looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tule.wire.shapes import Shape, Shapes, is_streaming

_SCALARS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str, datetime),
    "verbatim": (Mapping,),
    "blob": (bytes, bytearray, memoryview, str),
}


def mismatch(shapes: Shapes, shape: Shape, value: Any, path: str = "") -> str | None:
    """The path of the first value that is of another kind, with what it should be; None where all fit."""
    kind = shape["type"]
    if kind == "structure":
        return None if shape.get("document") else _structure(shapes, shape, value, path)
    if kind == "list":
        return _list(shapes, shape, value, path)
    if kind == "map":
        return _map(shapes, shape, value, path)
    if is_streaming(shape):
        return None
    allowed = _SCALARS[kind]
    if isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool)):
        return None
    return f"{path or 'input'} must be a {kind}"


def _structure(shapes: Shapes, shape: Shape, value: Any, path: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{path or 'input'} must be a structure"
    members = shape["members"]
    for name, inner in value.items():
        if inner is None or name not in members or members[name].get("eventstream"):
            continue
        found = mismatch(shapes, shapes.at(members[name]), inner, f"{path}.{name}" if path else str(name))
        if found is not None:
            return found
    return None


def _list(shapes: Shapes, shape: Shape, value: Any, path: str) -> str | None:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return f"{path} must be a list"
    member = shapes.at(shape["member"])
    for number, inner in enumerate(value, 1):
        found = None if inner is None else mismatch(shapes, member, inner, f"{path}.{number}")
        if found is not None:
            return found
    return None


def _map(shapes: Shapes, shape: Shape, value: Any, path: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{path} must be a map"
    member = shapes.at(shape["value"])
    for name, inner in value.items():
        if not isinstance(name, str):
            return f"a key of {path} must be a string"
        found = None if inner is None else mismatch(shapes, member, inner, f"{path}.{name}")
        if found is not None:
            return found
    return None
