"""Readers of form-encoded parameters (`Filters.member.1.Name=x`), compiled from shapes: the query and ec2 protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from tule.wire.malformed import Malformed
from tule.wire.shapes import Shape, Shapes, flat_name, wire_name
from tule.wire.text_readers import TextReaders
from tule.wire.xml_shapes import LEAF_READERS

MAX_DEPTH = 100
MAX_FIELDS = 100_000

Tree = dict[str, Any]
"""Name to value, or to a tree below; a name that has both keeps the value under the empty name."""
Reader = Callable[[Any], Any]


def form(text: str) -> dict[str, str]:
    """Decode a form; raises Malformed.  Of repeated names the last wins."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except (ValueError, UnicodeError) as error:
        raise Malformed("The request's form cannot be decoded") from error


def tree(fields: dict[str, str]) -> Tree:
    """Nest dotted names."""
    root: Tree = {}
    for name, value in fields.items():
        if "." not in name:
            _put(root, name, value)
            continue
        parts = name.split(".", MAX_DEPTH)
        if len(parts) > MAX_DEPTH:
            raise Malformed("A parameter name is nested too deeply")
        at = root
        for part in parts[:-1]:
            below = at.get(part)
            if not isinstance(below, dict):
                below = at[part] = {} if below is None else {"": below}
            at = below
        _put(at, parts[-1], value)
    return root


def _put(at: Tree, name: str, value: str) -> None:
    below = at.get(name)
    if isinstance(below, dict):
        below[""] = value
    else:
        at[name] = value


class QueryReaders(TextReaders[Any]):
    """`ec2`: member names are capitalized or come from `queryName`, and lists are always flat."""

    def __init__(self, shapes: Shapes, *, ec2: bool = False) -> None:
        super().__init__(shapes)
        self._ec2 = ec2

    def _leaf(self, kind: str) -> Reader:
        convert = LEAF_READERS[kind]

        def read(value: Any) -> Any:
            if isinstance(value, dict):
                if "" not in value:
                    raise Malformed("A structure was found where a single value was expected")
                value = value[""]
            return convert(value)

        return read

    def _structure(self, shape: Shape) -> Reader:
        members = {self._name(member, name): (name, self.reader(member)) for name, member in self._shapes.members(shape).items()}

        def read(value: Any) -> Any:
            if not isinstance(value, dict):
                if value == "":
                    return {}
                raise Malformed("A single value was found where a structure was expected")
            return {members[key][0]: members[key][1](inner) for key, inner in value.items() if key in members}

        return read

    def _name(self, member: Shape, name: str) -> str:
        if self._ec2:
            given = member.get("queryName") or member.get("locationName", name)
            return given if "queryName" in member else given[0].upper() + given[1:]
        if member["type"] == "list" and member.get("flattened"):
            return flat_name(member, name)
        return wire_name(member, name)

    def _list(self, shape: Shape) -> Reader:
        member = self._shapes.at(shape["member"])
        item = self.reader(member)
        below = None if self._ec2 or shape.get("flattened") else member.get("locationName", "member")

        def read(value: Any) -> Any:
            if not isinstance(value, dict):
                return [] if value == "" else [item(value)]
            entries = value.get(below, value.get("member")) if below is not None else value
            if entries is None or not isinstance(entries, dict):
                return [item(entries)] if entries else []
            return [item(entry) for entry in _numbered(entries)]

        return read

    def _map(self, shape: Shape) -> Reader:
        key_shape, value_shape = self._shapes.at(shape["key"]), self._shapes.at(shape["value"])
        key_name, value_name = wire_name(key_shape, "key"), wire_name(value_shape, "value")
        item = self.reader(value_shape)
        flattened = bool(shape.get("flattened"))

        def read(value: Any) -> Any:
            if not isinstance(value, dict):
                return {}
            entries = value if flattened else value.get("entry", {})
            result: dict[str, Any] = {}
            for entry in _numbered(entries):
                if not isinstance(entry, dict) or key_name not in entry:
                    raise Malformed("An entry of a map needs a key")
                result[str(entry[key_name])] = item(entry.get(value_name, ""))
            return result

        return read


def _numbered(entries: Any) -> list[Any]:
    """The entries of `{"1": a, "2": b}` in the order of their numbers."""
    if not isinstance(entries, dict):
        return []
    try:
        return [entries[key] for key in sorted((key for key in entries if key), key=_number)]
    except ValueError as error:
        raise Malformed("A list's index is not a number") from error


def _number(text: str) -> int:
    if len(text) > 9 or not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)
