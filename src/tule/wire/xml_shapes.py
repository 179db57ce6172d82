"""Readers and writers of values in XML, compiled from shapes: rest-xml both ways, query and ec2 for answers."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from tule.wire import timestamps
from tule.wire.malformed import Malformed
from tule.wire.shapes import ANSWER_LOCATIONS, Shape, Shapes, flat_name, wire_name
from tule.wire.text_readers import TextReaders
from tule.wire.xml_tree import Node

Reader = Callable[[list[Node]], Any]
"""From the elements of one name under one parent: more than one only where a list or map is flattened."""
Emit = Callable[[str], None]
Writer = Callable[[Any, Emit], None]

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XmlReaders(TextReaders[list[Node]]):
    def _leaf(self, kind: str) -> Reader:
        convert = LEAF_READERS[kind]
        return lambda nodes: convert(nodes[-1].text)

    def _structure(self, shape: Shape) -> Reader:
        elements: dict[str, tuple[str, Reader]] = {}
        attributes: dict[str, tuple[str, Callable[[str], Any]]] = {}
        for name, member in self._shapes.members(shape).items():
            if member.get("location"):
                continue
            tag = wire_name(member, name)
            if member.get("xmlAttribute"):
                attributes[tag] = (name, LEAF_READERS[member["type"]])
            else:
                elements[tag] = (name, self.reader(member))

        def read(nodes: list[Node]) -> Any:
            node = nodes[-1]
            result: dict[str, Any] = {}
            for attribute, value in node.attributes.items() if attributes else ():
                if attribute in attributes:
                    name, convert = attributes[attribute]
                    result[name] = convert(value)
            grouped: dict[str, list[Node]] = {}
            for child in node.children:
                grouped.setdefault(child.name, []).append(child)
            for tag, same in grouped.items():
                if (found := elements.get(tag)) is not None:
                    result[found[0]] = found[1](same)
            return result

        return read

    def _list(self, shape: Shape) -> Reader:
        item = self.reader(self._shapes.at(shape["member"]))
        if shape.get("flattened"):
            return lambda nodes: [item([node]) for node in nodes]
        return lambda nodes: [item([child]) for child in nodes[-1].children]

    def _map(self, shape: Shape) -> Reader:
        key_shape, value_shape = self._shapes.at(shape["key"]), self._shapes.at(shape["value"])
        key_name, value_name = wire_name(key_shape, "key"), wire_name(value_shape, "value")
        item = self.reader(value_shape)
        flattened = bool(shape.get("flattened"))

        def read(nodes: list[Node]) -> Any:
            result: dict[str, Any] = {}
            for entry in nodes if flattened else nodes[-1].children:
                parts = {child.name: child for child in entry.children}
                if key_name not in parts or value_name not in parts:
                    raise Malformed("an entry of a map needs a key and a value")
                result[parts[key_name].text] = item([parts[value_name]])
            return result

        return read


def element_name(member: Shape, name: str) -> str:
    return member.get("locationName", name)


def read_boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "1"):
        return True
    if lowered in ("false", "0"):
        return False
    raise Malformed(f"{text[:60]!r} is not a boolean")


def read_strict_boolean(text: str) -> bool:
    """rest-json takes nothing else."""
    if text not in ("true", "false"):
        raise Malformed(f"{text[:60]!r} is not a boolean")
    return text == "true"


def read_integer(text: str) -> int:
    return _integer(text, 2**31)


def _read_long(text: str) -> int:
    return _integer(text, 2**63)


def _integer(text: str, limit: int) -> int:
    try:
        value = int(_number(text))
    except ValueError as error:
        raise Malformed(f"{text[:60]!r} is not an integer") from error
    if not -limit <= value < limit:
        raise Malformed(f"{text[:60]!r} is out of range")
    return value


def _number(text: str) -> str:
    """Python takes more for a number than AWS does."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def read_float(text: str) -> float:
    try:
        return float(_number(text))
    except ValueError as error:
        raise Malformed(f"{text[:60]!r} is not a number") from error


def read_base64(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("Invalid Base64 string") from error


def _read_text(text: str) -> str:
    return text


LEAF_READERS: dict[str, Callable[[str], Any]] = {
    "string": _read_text,
    "character": _read_text,
    "boolean": read_boolean,
    "integer": read_integer,
    "long": _read_long,
    "float": read_float,
    "double": read_float,
    "blob": read_base64,
    "timestamp": timestamps.from_wire,
}


class XmlWriters:
    """`millis`: timestamps always carry milliseconds, as S3 and EC2 write them."""

    def __init__(self, shapes: Shapes, *, millis: bool = False) -> None:
        self._shapes = shapes
        self._time = timestamps.iso8601_millis if millis else timestamps.iso8601
        self._contents: dict[str, Writer] = {}

    def element(self, shape: Shape, tag: str, namespace: str = "") -> Writer:
        """Writes `<tag>value</tag>`; a flattened list or map writes one element for each entry."""
        if shape["type"] == "list" and shape.get("flattened"):
            return self._flat_list(shape, tag)
        if shape["type"] == "map" and shape.get("flattened"):
            return self._entries(shape, tag)
        if shape["type"] in ("structure", "list", "map"):
            return self._nested(shape, tag, namespace)
        return self._leaf(shape, tag)

    def contents(self, structure: Shape) -> Writer:
        """Writes the members of a structure without a tag around them."""
        key = structure["shape"]
        made = self._contents.get(key)
        if made is None:
            self._contents[key] = lambda value, emit: self._contents[key](value, emit)
            made = self._contents[key] = self._compile_structure(structure)
        return made

    def text(self, shape: Shape) -> Callable[[Any], str]:
        kind = shape["type"]
        if kind == "timestamp":
            return self._time if shape.get("timestampFormat", "iso8601") == "iso8601" else _TIMES[shape["timestampFormat"]]
        return _TEXTS.get(kind, escape)

    def _compile_structure(self, structure: Shape) -> Writer:
        if (text_member := structure.get("textMember")) is not None:
            return lambda value, emit: emit(escape(value.get(text_member) or ""))
        members = [
            (name, self.element(member, self._tag(member, name)))
            for name, member in self._shapes.members(structure).items()
            if member.get("location") not in ANSWER_LOCATIONS and not member.get("xmlAttribute")
        ]

        def write(value: Any, emit: Emit) -> None:
            for name, writer in members:
                inner = value.get(name)
                if inner is not None:
                    writer(inner, emit)

        return write

    def _tag(self, member: Shape, name: str) -> str:
        if member["type"] == "list" and member.get("flattened"):
            return flat_name(member, name)
        return wire_name(member, name)

    def _nested(self, shape: Shape, tag: str, namespace: str) -> Writer:
        inner = self._inner(shape)
        closing = f"</{tag}>"
        attributes = self._attributes(shape)
        opening = f"<{tag}{namespace or _namespace(shape)}"

        def write(value: Any, emit: Emit) -> None:
            emit(opening + (attributes(value) if attributes is not None else "") + ">")
            inner(value, emit)
            emit(closing)

        return write

    def _attributes(self, shape: Shape) -> Callable[[Any], str] | None:
        if shape["type"] != "structure":
            return None
        found = [(name, member) for name, member in self._shapes.members(shape).items() if member.get("xmlAttribute")]
        if not found:
            return None

        def write(value: Any) -> str:
            return "".join(
                f' {member.get("locationName", name)}="{escape(str(value[name])).replace(chr(34), "&quot;")}"'
                for name, member in found
                if value.get(name) is not None
            )

        return write

    def _inner(self, shape: Shape) -> Writer:
        if shape["type"] == "structure":
            return self.contents(shape)
        if shape["type"] == "list":
            member = self._shapes.at(shape["member"])
            return self._flat_list(shape, member.get("locationName", "member"))
        return self._entries(shape, "entry")

    def _flat_list(self, shape: Shape, tag: str) -> Writer:
        item = self.element(self._shapes.at(shape["member"]), tag)

        def write(value: Any, emit: Emit) -> None:
            for inner in value:
                if inner is not None:
                    item(inner, emit)

        return write

    def _entries(self, shape: Shape, tag: str) -> Writer:
        key_shape, value_shape = self._shapes.at(shape["key"]), self._shapes.at(shape["value"])
        key = self.element(key_shape, wire_name(key_shape, "key"))
        item = self.element(value_shape, wire_name(value_shape, "value"))

        def write(value: Any, emit: Emit) -> None:
            for name, inner in value.items():
                if inner is not None:
                    emit(f"<{tag}>")
                    key(name, emit)
                    item(inner, emit)
                    emit(f"</{tag}>")

        return write

    def _leaf(self, shape: Shape, tag: str) -> Writer:
        opening, closing = f"<{tag}>", f"</{tag}>"
        text = self.text(shape)
        if text is escape:
            search = _SPECIAL.search

            def write_string(value: Any, emit: Emit) -> None:
                emit(opening + (value if type(value) is str and search(value) is None else escape(value)) + closing)

            return write_string
        return lambda value, emit: emit(opening + text(value) + closing)


def escape(value: Any) -> str:
    """Text for an element; what XML 1.0 cannot hold is written as a character reference, as S3 does."""
    text = value if isinstance(value, str) else str(value)
    return _SPECIAL.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    char = match.group()
    return _REFERENCES.get(char) or f"&#x{ord(char):X};"


_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}


def _namespace(shape: Shape) -> str:
    namespace = shape.get("xmlNamespace")
    if not isinstance(namespace, dict):
        return f' xmlns="{namespace}"' if namespace else ""
    prefix = namespace.get("prefix")
    return f' xmlns:{prefix}="{namespace["uri"]}"' if prefix else f' xmlns="{namespace["uri"]}"'


def _base64_text(value: Any) -> str:
    return b64encode(value.encode() if isinstance(value, str) else bytes(value)).decode()


def _number_text(value: Any) -> str:
    return str(value)


def _boolean_text(value: Any) -> str:
    return "true" if value else "false"


def _epoch_text(value: Any) -> str:
    return str(timestamps.epoch(value))


_TEXTS: dict[str, Callable[[Any], str]] = {
    "boolean": _boolean_text,
    "integer": _number_text,
    "long": _number_text,
    "float": _number_text,
    "double": _number_text,
    "blob": _base64_text,
}
_TIMES: dict[str, Callable[[Any], str]] = {
    "rfc822": timestamps.rfc822,
    "unixTimestamp": _epoch_text,
}
