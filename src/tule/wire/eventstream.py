"""`application/vnd.amazon.eventstream`: framing, and the events of an operation.

A message is: total length, headers length, CRC of those eight bytes, headers, payload, CRC of all before.
AWS: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html and
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cbor2

from tule.core.errors import ServiceError
from tule.wire.json_shapes import JsonWriters
from tule.wire.json_text import dumps
from tule.wire.malformed import Malformed
from tule.wire.shapes import Shape, Shapes
from tule.wire.xml_shapes import XmlWriters

if TYPE_CHECKING:
    from tule.wire.models import ServiceModel

CBOR_1_1 = "application/x-amz-cbor-1.1"
CONTENT_TYPE = "application/vnd.amazon.eventstream"
MAX_MESSAGE_BYTES = 24 * 1024 * 1024
_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")

HeaderValue = str | bytes | bool | int | float | uuid.UUID | datetime


@dataclass(slots=True, frozen=True)
class Message:
    headers: Mapping[str, HeaderValue]
    payload: bytes


def encode(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    block = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(len(block) + len(payload) + 16, len(block))
    body = prelude + _CRC.pack(zlib.crc32(prelude)) + block + payload
    return body + _CRC.pack(zlib.crc32(body))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded = name.encode()
    head = bytes((len(encoded),)) + encoded
    if isinstance(value, bool):
        return head + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        return head + (b"\x04" + struct.pack(">i", value) if -(2**31) <= value < 2**31 else b"\x05" + struct.pack(">q", value))
    if isinstance(value, float):
        return head + b"\x08" + struct.pack(">q", round(value * 1000))
    if isinstance(value, datetime):
        return head + b"\x08" + struct.pack(">q", round(value.timestamp() * 1000))
    if isinstance(value, uuid.UUID):
        return head + b"\x09" + value.bytes
    if isinstance(value, bytes):
        return head + b"\x06" + struct.pack(">H", len(value)) + value
    text = value.encode()
    return head + b"\x07" + struct.pack(">H", len(text)) + text


class Decoder:
    """Takes bytes as they come, gives complete messages; raises Malformed for a wrong checksum or length."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= 12:
            total, headers_length = _PRELUDE.unpack_from(self._buffer)
            (crc,) = _CRC.unpack_from(self._buffer, 8)
            if crc != zlib.crc32(self._buffer[:8]):
                raise Malformed("Prelude checksum mismatch")
            if total > MAX_MESSAGE_BYTES or headers_length > total - 16 or total < 16:
                raise Malformed("Invalid message length")
            if len(self._buffer) < total:
                break
            messages.append(_decode(bytes(self._buffer[:total]), headers_length))
            del self._buffer[:total]
        return messages

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete yet."""
        return len(self._buffer)


def _decode(message: bytes, headers_length: int) -> Message:
    (crc,) = _CRC.unpack_from(message, len(message) - 4)
    if crc != zlib.crc32(message[:-4]):
        raise Malformed("Message checksum mismatch")
    try:
        headers = _decode_headers(message[12 : 12 + headers_length])
    except (struct.error, IndexError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise Malformed("Invalid header in a message") from error
    return Message(headers, message[12 + headers_length : -4])


_FIXED: dict[int, tuple[str, Callable[[Any], HeaderValue]]] = {
    2: (">b", int),
    3: (">h", int),
    4: (">i", int),
    5: (">q", int),
    8: (">q", lambda value: datetime.fromtimestamp(value / 1000, UTC)),
    9: (">16s", lambda value: uuid.UUID(bytes=value)),
}


def _decode_headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(block):
        length = block[at]
        name = block[at + 1 : at + 1 + length].decode()
        kind = block[at + 1 + length]
        at += 2 + length
        if kind in (0, 1):
            headers[name] = kind == 0
        elif kind in (6, 7):
            (size,) = struct.unpack_from(">H", block, at)
            value = block[at + 2 : at + 2 + size]
            if len(value) != size:
                raise ValueError("a header is cut short")
            headers[name] = value.decode() if kind == 7 else value
            at += 2 + size
        elif kind in _FIXED:
            layout, convert = _FIXED[kind]
            headers[name] = convert(struct.unpack_from(layout, block, at)[0])
            at += struct.calcsize(layout)
        else:
            raise ValueError(f"unknown header type {kind}")
    return headers


class EventWriter:
    """Turns the events of one output member into messages."""

    def __init__(self, member: str, shapes: Shapes, stream: Shape, content_type: str) -> None:
        self.member = member
        self._content_type = content_type
        self._events = {name: _event_encoder(name, shapes, event, content_type) for name, event in shapes.members(stream).items()}

    async def stream(self, result: Mapping[str, Any], initial: bytes | None = None) -> AsyncIterator[bytes]:
        """The body: the initial response where the protocol has one, then the events.

        A ServiceError that the iterator raises ends the stream as an exception message.
        """
        if initial is not None:
            headers = {":message-type": "event", ":event-type": "initial-response", ":content-type": self._content_type}
            yield encode(headers, initial)
        try:
            async for event in result[self.member]:
                yield self.event(event)
        except ServiceError as error:
            yield self.failure(error)

    def event(self, event: Mapping[str, Any]) -> bytes:
        ((name, value),) = event.items()
        return self._events[name](value)

    def failure(self, error: ServiceError) -> bytes:
        name = next((known for known in self._events if known.lower() == error.code.lower()), None)
        if name is not None:
            return self._events[name]({"message": error.message, "Message": error.message, **error.fields})
        return encode({":message-type": "error", ":error-code": error.code, ":error-message": error.message})


def output_of(model: ServiceModel, operation: Mapping[str, Any], content_type: str) -> EventWriter | None:
    """The writer of an operation's event stream, or None where its output has none."""
    if "output" not in operation:
        return None
    shapes = model.shapes
    for name, member in shapes.members(shapes.at(operation["output"])).items():
        if member.get("eventstream"):
            return EventWriter(name, shapes, member, content_type)
    return None


def _event_encoder(name: str, shapes: Shapes, event: Shape, content_type: str) -> Callable[[Any], bytes]:
    members = shapes.members(event)
    payload_name = next((member for member, shape in members.items() if shape.get("eventpayload")), None)
    header_names = [member for member, shape in members.items() if shape.get("eventheader")]
    kind = "exception" if event.get("exception") else "event"
    fixed = {":message-type": kind, f":{kind}-type": name}
    payload_type, write = _payload_writer(shapes, event if payload_name is None else members[payload_name], content_type)
    if payload_name is not None or len(members) > len(header_names):
        fixed[":content-type"] = payload_type

    def encode_event(value: Mapping[str, Any]) -> bytes:
        headers: dict[str, HeaderValue] = dict(fixed)
        headers.update({header: value[header] for header in header_names if value.get(header) is not None})
        inner = value if payload_name is None else value.get(payload_name)
        return encode(headers, b"" if inner is None or ":content-type" not in fixed else write(inner))

    return encode_event


def _payload_writer(shapes: Shapes, shape: Shape, content_type: str) -> tuple[str, Callable[[Any], bytes]]:
    if shape["type"] == "blob":
        return "application/octet-stream", lambda value: value.encode() if isinstance(value, str) else bytes(value)
    if shape["type"] == "string":
        return "text/plain", lambda value: value.encode()
    if content_type == CBOR_1_1:
        cbor_writer = JsonWriters(shapes, cbor=True, millis=True).writer(shape)
        return content_type, lambda value: cbor2.dumps(value if cbor_writer is None else cbor_writer(value))
    if content_type == "application/json":
        writer = JsonWriters(shapes).writer(shape)
        return content_type, lambda value: dumps(value if writer is None else writer(value))
    element = XmlWriters(shapes, millis=True).element(shape, shape["shape"])

    def write_xml(value: Any) -> bytes:
        parts: list[str] = []
        element(value, parts.append)
        return "".join(parts).encode()

    return content_type, write_xml
