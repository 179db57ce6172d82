"""rest-json and rest-xml: members in labels, query string, headers and body.

AWS: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html and aws-restxml-protocol.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import orjson

from tule.wire import eventstream, timestamps, xml_tree
from tule.wire.http import Body, Request, Response
from tule.wire.json_text import dumps, loads
from tule.wire.malformed import Malformed, MalformedArgument
from tule.wire.shapes import ANSWER_LOCATIONS, Shape, Shapes, is_streaming, wire_name
from tule.wire.xml_shapes import LEAF_READERS, read_base64, read_strict_boolean

if TYPE_CHECKING:
    from tule.wire.codec import Compilers
    from tule.wire.models import ServiceModel

MAX_QUERY_FIELDS = 10_000


_CONDITIONS = ("if-", "x-amz-copy-source-if-")
"""Conditions whose date cannot be read are ignored (RFC 9110, 13.1.3)."""
_MAY_BE_EMPTY = frozenset(("max-parts", "part-number-marker"))  # to S3 as if they were not there

_BODY_HEADERS = ("content-type", "content-length")
"""Written in lower case, as whoever sends the body looks for them."""


class _Bound(NamedTuple):
    name: str
    wire_name: str
    convert: Callable[[Any], Any]


class RestInput:
    """From a request to params."""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: Mapping[str, Any]) -> None:
        self._xml = model.protocol == "rest-xml"
        self._s3 = model.name == "s3"
        self._labels = _label_pattern(operation["http"]["requestUri"])
        self._label_readers: dict[str, tuple[str, Callable[[str], Any]]] = {}
        self._query: dict[str, tuple[str, Callable[[list[str]], Any]]] = {}
        self._query_rest: tuple[str, bool] | None = None
        self._literals = frozenset(piece.partition("=")[0] for piece in operation["http"]["requestUri"].partition("?")[2].split("&"))
        self._headers: dict[str, _Bound] = {}
        self._prefixed: list[tuple[str, str]] = []
        self._body: Callable[[Request], Any] | None = None
        self._payload: str | None = None
        if "input" in operation:
            self._bind(model, compilers, model.shapes.at(operation["input"]))

    def parse(self, request: Request) -> dict[str, Any]:
        params: dict[str, Any] = {}
        if self._body is not None:
            value = self._body(request)
            if self._payload is not None:
                if value is not None:
                    params[self._payload] = value
            elif value:
                params.update(value)
        self._read_labels(request.path, params)
        if self._query or self._query_rest is not None:
            self._read_query(request.query, params)
        headers = request.headers
        bound_headers = self._headers
        for header, text in headers.items():
            if (bound := bound_headers.get(header)) is not None:
                self._put(params, bound, text)
        for name, prefix in self._prefixed:
            found = {header[len(prefix) :]: text for header, text in headers.items() if header.startswith(prefix)}
            if found:
                params[name] = found
        return params

    def _put(self, params: dict[str, Any], bound: _Bound, text: str) -> None:
        try:
            params[bound.name] = bound.convert(text)
        except Malformed as error:
            if not bound.wire_name.startswith(_CONDITIONS):
                raise MalformedArgument(bound.wire_name, text, str(error)) from error

    def _read_labels(self, path: str, params: dict[str, Any]) -> None:
        match = self._labels.match(path)
        if match is None:
            return
        for label, text in match.groupdict().items():
            bound = self._label_readers.get(label)
            if bound is not None and text is not None:
                try:
                    params[bound[0]] = bound[1](unquote(text, errors="strict"))
                except ValueError as error:
                    raise MalformedArgument(label, text, str(error)) from error

    def _read_query(self, query: str, params: dict[str, Any]) -> None:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS) if query else []
        except (ValueError, UnicodeError) as error:
            raise Malformed("The query string cannot be decoded") from error
        grouped: dict[str, list[str]] = {}
        for key, value in pairs:
            grouped.setdefault(key, []).append(value)
        for key, values in grouped.items():
            if (bound := self._query.get(key)) is not None:
                try:
                    params[bound[0]] = bound[1](values)
                except Malformed as error:
                    if values[0] or key not in _MAY_BE_EMPTY:
                        raise MalformedArgument(key, values[0], str(error)) from error
        if self._query_rest is not None:
            name, many = self._query_rest
            rest = {key: values if many else values[0] for key, values in grouped.items() if key not in self._query and key not in self._literals}
            if rest:
                params[name] = rest

    def _bind(self, model: ServiceModel, compilers: Compilers, structure: Shape) -> None:
        shapes = model.shapes
        members = shapes.members(structure)
        body_members = [name for name, member in members.items() if not member.get("location")]
        for name, member in members.items():
            self._bind_member(model, name, member)
        payload = structure.get("payload")
        if payload is not None:
            self._payload = payload
            self._body = self._payload_reader(compilers, members[payload], model.shapes)
        elif body_members:
            self._body = self._members_reader(compilers, structure, shapes)

    def _bind_member(self, model: ServiceModel, name: str, member: Shape) -> None:
        location = member.get("location")
        given: str = member.get("locationName", name)
        if location == "uri":
            self._label_readers[_group(given)] = (name, self._leaf(member))
        elif location == "querystring":
            if member["type"] == "map":
                self._query_rest = (name, model.shapes.at(member["value"])["type"] == "list")
            elif member["type"] == "list":
                item = self._leaf(model.shapes.at(member["member"]))
                self._query[given] = (name, lambda values: [item(value) for value in values])
            else:
                convert = self._leaf(member)
                self._query[given] = (name, lambda values: convert(values[0]))
        elif location == "header":
            self._headers[given.lower()] = _Bound(name, given.lower(), self._header_reader(model, member))
        elif location == "headers":
            self._prefixed.append((name, given.lower()))

    def _leaf(self, member: Shape) -> Callable[[str], Any]:
        return read_strict_boolean if member["type"] == "boolean" and not self._xml else LEAF_READERS[member["type"]]

    def _header_reader(self, model: ServiceModel, member: Shape) -> Callable[[str], Any]:
        if member.get("jsonvalue"):
            return lambda text: _utf8(read_base64(text))
        if member["type"] == "list":
            entry = model.shapes.at(member["member"])
            item = self._leaf(entry)
            split = _split_dates if entry["type"] == "timestamp" else _split_list
            return lambda text: [item(piece) for piece in split(text)]
        return self._leaf(member)

    def _payload_reader(self, compilers: Compilers, member: Shape, shapes: Shapes) -> Callable[[Request], Any]:
        if is_streaming(member):
            return lambda request: request.stream if request.body is None else Body.of(request.body)
        if member["type"] == "blob":
            return lambda request: request.body or None
        if member["type"] == "string":
            return lambda request: _utf8(request.body) if request.body else None
        if self._xml:
            return _xml_reader(compilers, member, self._root(member))
        return _json_reader(compilers, member, shapes)

    def _members_reader(self, compilers: Compilers, structure: Shape, shapes: Shapes) -> Callable[[Request], Any]:
        if self._xml:
            return _xml_reader(compilers, structure, self._root(structure))
        return _json_reader(compilers, structure, shapes)

    def _root(self, shape: Shape) -> str | None:
        """S3 validates against a schema; old clients' CreateBucket has another root, which S3 takes."""
        name: str | None = shape.get("locationName")
        return name if self._s3 and name != "CreateBucketConfiguration" else None


def _json_reader(compilers: Compilers, shape: Shape, shapes: Shapes) -> Callable[[Request], Any]:
    read = compilers.json_readers.reader(shape)
    deep, exact = shapes.is_recursive(shape), shapes.has_document(shape)

    def read_json(request: Request) -> Any:
        if not request.body:
            return None
        value = loads(request.body, deep=deep, exact=exact)
        return None if value is None else read(value)

    return read_json


def _xml_reader(compilers: Compilers, shape: Shape, root: str | None) -> Callable[[Request], Any]:
    """`root`: the name that the root element must have, None where any will do."""
    read = compilers.xml_readers.reader(shape)

    def read_xml(request: Request) -> Any:
        if not request.body:
            return None
        node = xml_tree.parse(request.body)
        if root is not None and node.name != root:
            raise Malformed(f"the root element is {node.name[:60]}")
        return read([node])

    return read_xml


def _label_pattern(uri: str) -> re.Pattern[str]:
    """A regular expression of the path, with a group for each label."""
    pieces: list[str] = []
    for segment in uri.partition("?")[0].strip("/").split("/"):
        if segment.startswith("{"):
            name = segment.strip("{}")
            pieces.append(f"(?P<{_group(name.rstrip('+'))}>{'.+' if name.endswith('+') else '[^/]+'})")
        else:
            pieces.append(re.escape(segment))
    return re.compile("/" + "/".join(pieces) + "/?$" if "+}" not in uri.partition("?")[0][-2:] else "/" + "/".join(pieces) + "$", re.DOTALL)


def _group(label: str) -> str:
    return re.sub(r"\W", "_", label)


def _split_list(text: str) -> list[str]:
    """The values of a list in a header; those in quotes may hold commas."""
    return [
        match[0][1:-1].replace('\\"', '"').replace("\\\\", "\\") if match[0].startswith('"') else match[0].strip()
        for match in _LIST_ITEM.finditer(text)
        if match[0].strip()
    ]


_LIST_ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[^,"\s][^,]*')


def _split_dates(text: str) -> list[str]:
    """RFC 822 dates hold one comma each; other dates none."""
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if not pieces or not pieces[0].isalpha():
        return pieces
    return [", ".join(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("The body is not UTF-8") from error


class RestOutput:
    """From a result to a response."""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: Mapping[str, Any]) -> None:
        self._xml = model.protocol == "rest-xml"
        self._s3 = model.name == "s3"
        self._status: int = operation["http"].get("responseCode", 200)
        self._status_member: str | None = None
        self._headers: dict[str, tuple[str, Callable[[Any], str]]] = {}
        self._prefixed: list[tuple[str, str]] = []
        self._payload: str | None = None
        self._write: Callable[[Any], bytes] | None = None
        self._content_type = ""
        self._events = eventstream.output_of(model, operation, "text/xml" if self._xml else "application/json")
        if "output" in operation:
            self._bind(model, compilers, model.shapes.at(operation["output"]))

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        headers = {"x-amz-request-id": request_id, "x-amz-id-2": host_id(request_id)} if self._s3 else {"x-amzn-RequestId": request_id}
        if self._status_member is not None and result.get(self._status_member) is not None:
            status = status or int(result[self._status_member])
        for name, value in result.items():
            if (bound := self._headers.get(name)) is not None and value is not None:
                headers[bound[0]] = bound[1](value)
        for name, prefix in self._prefixed:
            headers.update({prefix + key: str(value) for key, value in (result.get(name) or {}).items()})
        return Response(status or self._status, headers, self._body(result, headers))

    def _body(self, result: Mapping[str, Any], headers: dict[str, str]) -> Any:
        if self._events is not None:
            headers["content-type"] = eventstream.CONTENT_TYPE
            return self._events.stream(result)
        if self._payload is not None:
            value = result.get(self._payload)
            if value is None:
                return b""
            if self._content_type:
                headers.setdefault("content-type", self._content_type)
            return value if self._write is None else self._write(value)
        if self._write is None or self._status == 204:
            return b""
        headers.setdefault("content-type", self._content_type)
        return self._write(result)

    def _bind(self, model: ServiceModel, compilers: Compilers, structure: Shape) -> None:
        members = model.shapes.members(structure)
        for name, member in members.items():
            self._bind_member(model, name, member)
        payload = structure.get("payload")
        if payload is not None:
            self._payload = payload
            self._bind_payload(model, compilers, members[payload])
        elif self._events is None and (not self._xml or any(member.get("location") not in ANSWER_LOCATIONS for member in members.values())):
            tag = structure.get("locationName", structure["shape"])
            self._content_type, self._write = self._structure_writer(model, compilers, structure, tag)

    def _bind_member(self, model: ServiceModel, name: str, member: Shape) -> None:
        location = member.get("location")
        given: str = member.get("locationName", name)
        if location == "statusCode":
            self._status_member = name
        elif location == "header":
            header = given.lower() if given.lower() in _BODY_HEADERS else given
            self._headers[name] = (header, _header_writer(model, member))
        elif location == "headers":
            self._prefixed.append((name, given))

    def _bind_payload(self, model: ServiceModel, compilers: Compilers, member: Shape) -> None:
        if member["type"] == "blob":
            self._content_type = "binary/octet-stream" if self._s3 else "application/octet-stream"
            self._write = _raw
        elif member["type"] == "string":
            self._content_type = "text/plain"
            self._write = _raw
        else:
            tag = wire_name(member, member["shape"])
            self._content_type, self._write = self._structure_writer(model, compilers, member, tag)

    def _structure_writer(self, model: ServiceModel, compilers: Compilers, shape: Shape, tag: str) -> tuple[str, Callable[[Any], bytes]]:
        if not self._xml:
            writer = compilers.json_writers.writer(shape)
            return "application/json", lambda value: dumps(value if writer is None else writer(value))
        namespace = shape.get("xmlNamespace", model.metadata.get("xmlNamespace"))
        element = compilers.xml_writers.element(shape, tag, f' xmlns="{namespace}"' if namespace else "")

        def write(value: Any) -> bytes:
            parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
            element(value, parts.append)
            return "".join(parts).encode()

        return "application/xml" if self._s3 else "text/xml", write


def host_id(request_id: str) -> str:
    """x-amz-id-2, S3's second request id: opaque, longer than the first."""
    return b64encode((request_id * 3)[:56].encode()).decode()


def _raw(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _header_writer(model: ServiceModel, member: Shape) -> Callable[[Any], str]:
    if member.get("jsonvalue"):
        return lambda value: b64encode(value.encode() if isinstance(value, str) else orjson.dumps(value)).decode()
    if member["type"] == "list":
        entry_shape = model.shapes.at(member["member"])
        item = _header_writer(model, entry_shape)
        if entry_shape["type"] == "string":
            return lambda value: ", ".join(_quoted(str(entry)) for entry in value)
        return lambda value: ", ".join(item(entry) for entry in value)
    if member["type"] == "timestamp":
        return _HEADER_TIMES[member.get("timestampFormat", "rfc822")]
    if member["type"] == "boolean":
        return lambda value: "true" if value else "false"
    return str


def _quoted(text: str) -> str:
    """In quotes where a list could not be split again otherwise."""
    if "," not in text and '"' not in text:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_HEADER_TIMES: dict[str, Callable[[Any], str]] = {
    "rfc822": timestamps.rfc822,
    "iso8601": timestamps.iso8601,
    "unixTimestamp": lambda value: str(timestamps.epoch(value)),
}


class RestProtocol:
    def __init__(self, model: ServiceModel, compilers: Compilers, operation: Mapping[str, Any]) -> None:
        self.parse = RestInput(model, compilers, operation).parse
        self.serialize = RestOutput(model, compilers, operation).serialize
