"""Readers and writers of values in JSON and CBOR, compiled from shapes.

A reader turns what orjson or cbor2 gave into the params of an operation: type-checked, blobs decoded, timestamps as
seconds, unknown members and nulls left out.  A writer turns a result into what orjson or cbor2 can write.  A writer of
None means that the value can be written as it is.  A shape of type `verbatim` (our own word, set by a patch) is handed
on as the JSON that it is: its service knows better what to say of it (DynamoDB's attribute values).
`orjson.Fragment` passes through writers, so that services can keep rendered JSON.
"""

from __future__ import annotations

import binascii
import math
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import cbor2
import orjson

from tule.wire import timestamps
from tule.wire.malformed import Malformed
from tule.wire.shapes import ANSWER_LOCATIONS, Shape, Shapes

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

_INT_LIMIT = 2**31
_LONG_LIMIT = 2**63


class JsonReaders:
    """Compiles readers; one per service and dialect, so that shapes are compiled once.

    `cbor`: blobs are bytes.  `millis`: times are milliseconds, as in CBOR 1.1.
    """

    def __init__(self, shapes: Shapes, *, cbor: bool = False, millis: bool = False) -> None:
        self._shapes = shapes
        self._cbor = cbor
        self._millis = millis
        self._made: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        key = shape["shape"]
        made = self._made.get(key)
        if made is None:
            self._made[key] = lambda value: self._made[key](value)
            made = self._made[key] = self._compile(shape)
        return made

    def _compile(self, shape: Shape) -> Reader:
        kind = shape["type"]
        if kind == "structure":
            return _identity if shape.get("document") else self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        if kind == "blob":
            return _read_bytes if self._cbor else _read_base64
        if kind == "timestamp":
            return _read_millis if self._millis else timestamps.from_wire
        return _LEAVES[kind]

    def _structure(self, shape: Shape) -> Reader:
        members = {
            (member.get("locationName", name)): (name, self.reader(member))
            for name, member in self._shapes.members(shape).items()
            if not member.get("location")
        }
        known = members.get

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise Malformed(_not_a_structure(value))
            result: dict[str, Any] = {}
            for key, inner in value.items():
                member = known(key)
                if member is not None and inner is not None:
                    result[member[0]] = member[1](inner)
            return result

        return _one_member(read) if shape.get("union") else read

    def _list(self, shape: Shape) -> Reader:
        item = self.reader(self._shapes.at(shape["member"]))
        sparse = bool(shape.get("sparse"))

        def read(value: Any) -> Any:
            if type(value) is not list:
                raise Malformed(_not_a_list(value))
            if sparse:
                return [None if inner is None else item(inner) for inner in value]
            if None in value:
                raise Malformed("A list holds null where a value was expected")
            return [item(inner) for inner in value]

        return read

    def _map(self, shape: Shape) -> Reader:
        item = self.reader(self._shapes.at(shape["value"]))
        sparse = bool(shape.get("sparse"))

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise Malformed(_not_a_structure(value))
            if sparse:
                return {key: None if inner is None else item(inner) for key, inner in value.items()}
            if None in value.values():
                raise Malformed("A map holds null where a value was expected")
            return {key: item(inner) for key, inner in value.items()}

        return read


def _one_member(read: Reader) -> Reader:
    """A union has exactly one member set, and no unknown one."""

    def read_union(value: Any) -> Any:
        result = read(value)
        if len(result) != 1 or sum(inner is not None and key != "__type" for key, inner in value.items()) != 1:
            raise Malformed("A union must have exactly one member set")
        return result

    return read_union


def _identity(value: Any) -> Any:
    return value


def _read_string(value: Any) -> str:
    if type(value) is not str:
        raise Malformed(_no_scalar(value, "a String"))
    return value


def _read_boolean(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise Malformed(_no_scalar(value, "a Boolean"))


def _read_integer(value: Any) -> int:
    if type(value) is not int:
        value = _whole(value, "an Integer")
    if -_INT_LIMIT <= value < _INT_LIMIT:
        return value
    raise Malformed(f"Numeric value out of range of int (-{_INT_LIMIT} - {_INT_LIMIT - 1})")


def _read_long(value: Any) -> int:
    if type(value) is not int:
        value = _whole(value, "a Long")
    if -_LONG_LIMIT <= value < _LONG_LIMIT:
        return value
    raise Malformed(f"Numeric value out of range of long (-{_LONG_LIMIT} - {_LONG_LIMIT - 1})")


def _whole(value: Any, kind: str) -> int:
    """`1.0` and `1e3` are integers too."""
    if type(value) is float and value.is_integer():
        return int(value)
    raise Malformed(_no_scalar(value, kind))


def _read_float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return value
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise Malformed(_no_scalar(value, "a Double"))


def _read_base64(value: Any) -> bytes:
    if type(value) is not str:
        raise Malformed(_no_scalar(value, "a Blob"))
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("Invalid Base64 string") from error


def _read_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise Malformed(_no_scalar(value, "a Blob"))


def _read_millis(value: Any) -> float:
    return timestamps.from_wire(value / 1000 if type(value) in (int, float) else value)


_LEAVES: dict[str, Reader] = {
    "verbatim": _identity,
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "long": _read_long,
    "float": _read_float,
    "double": _read_float,
}


def _no_scalar(value: Any, kind: str) -> str:
    """AWS's words, which name the tokens as its JSON parser does."""
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, bool):
        token = "TRUE_VALUE" if value else "FALSE_VALUE"
    elif isinstance(value, int):
        token = "NUMBER_VALUE"
    else:
        token = "DECIMAL_VALUE" if isinstance(value, float) else "STRING_VALUE"
    return f"{token} can not be converted to {kind}"


def _not_a_structure(value: Any) -> str:
    return "Start of list found where not expected" if isinstance(value, list) else "Unexpected field type"


def _not_a_list(value: Any) -> str:
    return "Start of structure or map found where not expected." if isinstance(value, dict) else "Unexpected field type"


class JsonWriters:
    """Compiles writers; None stands for `as it is`.  `cbor` and `millis` as for readers."""

    def __init__(self, shapes: Shapes, *, cbor: bool = False, millis: bool = False) -> None:
        self._shapes = shapes
        self._cbor = cbor
        self._millis = millis
        self._made: dict[str, Writer | None] = {}

    def writer(self, shape: Shape) -> Writer | None:
        if shape.get("jsonvalue"):
            return _write_json_value
        key = shape["shape"] + "|" + str(shape.get("timestampFormat", ""))
        if key not in self._made:
            self._made[key] = lambda value: self._write_recursive(key, value)
            self._made[key] = self._compile(shape)
        return self._made[key]

    def _write_recursive(self, key: str, value: Any) -> Any:
        writer = self._made[key]
        return writer(value) if writer is not None else value

    def _compile(self, shape: Shape) -> Writer | None:
        kind = shape["type"]
        if kind == "structure":
            return None if shape.get("document") else self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        if kind == "blob":
            return _write_bytes if self._cbor else _write_base64
        if kind == "timestamp":
            if self._millis:
                return _write_cbor_millis
            return _write_cbor_time if self._cbor else _TIMES[shape.get("timestampFormat", "unixTimestamp")]
        if kind in ("float", "double"):
            return _write_cbor_float if self._cbor else _write_float
        return _write_integer if kind in ("integer", "long") else None

    def _structure(self, shape: Shape) -> Writer:
        members = tuple(
            (name, member.get("locationName", name), self.writer(member))
            for name, member in self._shapes.members(shape).items()
            if member.get("location") not in ANSWER_LOCATIONS
        )
        by_name = {name: (wire_name, writer) for name, wire_name, writer in members}
        known = by_name.get

        def write(value: Any) -> Any:
            if type(value) is orjson.Fragment:
                return value
            result: dict[str, Any] = {}
            for key, inner in value.items():
                member = known(key)
                if member is not None and inner is not None:
                    writer = member[1]
                    result[member[0]] = inner if writer is None else writer(inner)
            return result

        return write

    def _list(self, shape: Shape) -> Writer | None:
        item = self.writer(self._shapes.at(shape["member"]))
        if item is None:
            return _write_plain_list

        def write(value: Any) -> Any:
            if type(value) is orjson.Fragment:
                return value
            return [None if inner is None else item(inner) for inner in value]

        return write

    def _map(self, shape: Shape) -> Writer | None:
        item = self.writer(self._shapes.at(shape["value"]))

        def write(value: Any) -> Any:
            if type(value) is orjson.Fragment:
                return value
            if item is None:
                return {str(key): inner for key, inner in value.items() if inner is not None}
            return {str(key): item(inner) for key, inner in value.items() if inner is not None}

        return write


def _write_plain_list(value: Any) -> Any:
    return value if type(value) in (list, orjson.Fragment) else list(value)


def _write_base64(value: Any) -> str:
    return b64encode(value.encode() if isinstance(value, str) else bytes(value)).decode()


def _write_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _write_integer(value: Any) -> int:
    return value if type(value) is int else int(value)


def _write_float(value: Any) -> Any:
    number = value if type(value) in (int, float) else float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _write_cbor_float(value: Any) -> float:
    return float(value)


def _write_cbor_time(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(1, timestamps.epoch(value))


def _write_cbor_millis(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(1, round(timestamps.epoch(value) * 1000))


def _write_json_value(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_TIMES: dict[str, Writer] = {"unixTimestamp": timestamps.epoch, "iso8601": timestamps.iso8601, "rfc822": timestamps.rfc822}
