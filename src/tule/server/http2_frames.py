"""The frames of HTTP/2.  RFC 9113, sections 4 to 7."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME_BYTES = 16_384  # that we take, SETTINGS_MAX_FRAME_SIZE's initial value
_HEAD_BYTES = 9


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Code(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Setting(IntEnum):
    INITIAL_WINDOW_SIZE = 4
    MAX_CONCURRENT_STREAMS = 3
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20


class ConnectionFault(Exception):
    """The connection cannot go on."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True, frozen=True)
class Frame:
    kind: int  # one of Kind, or one that we do not know and pass over
    flags: int
    stream: int
    payload: bytes

    def content(self) -> bytes:
        """The payload of DATA and HEADERS without padding and priority."""
        payload = self.payload
        padding = 0
        if self.flags & PADDED:
            if not payload:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a padded frame without a length of padding")
            padding = payload[0]
            payload = payload[1:]
        if self.kind == Kind.HEADERS and self.flags & WITH_PRIORITY:
            if len(payload) < 5:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a priority is cut")
            payload = payload[5:]
        if padding > len(payload):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "more padding than payload")
        return payload[: len(payload) - padding]

    def number(self) -> int:
        """The one number that RST_STREAM and WINDOW_UPDATE hold."""
        if len(self.payload) != 4:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "not the four bytes of a number")
        return struct.unpack("!I", self.payload)[0]

    def settings(self) -> list[tuple[int, int]]:
        if len(self.payload) % 6:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a setting is cut")
        return list(struct.iter_unpack("!HI", self.payload))


class Reader:
    """Frames of what a client sends, its preface first."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._began = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Raises ConnectionFault."""
        self._buffer += data
        if not self._began:
            if not PREFACE.startswith(bytes(self._buffer[: len(PREFACE)])):
                raise ConnectionFault(Code.PROTOCOL_ERROR, "not the preface of HTTP/2")
            if len(self._buffer) < len(PREFACE):
                return
            del self._buffer[: len(PREFACE)]
            self._began = True
        while len(self._buffer) >= _HEAD_BYTES:
            high, low, kind, flags, stream = struct.unpack_from("!BHBBI", self._buffer)
            length = high << 16 | low
            if length > MAX_FRAME_BYTES:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            end = _HEAD_BYTES + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD_BYTES:end])
            del self._buffer[:end]
            yield Frame(kind, flags, stream & 0x7FFF_FFFF, payload)


def frame(kind: Kind, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack("!BHBBI", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


def settings(values: dict[Setting, int]) -> bytes:
    return frame(Kind.SETTINGS, 0, 0, b"".join(struct.pack("!HI", key, value) for key, value in values.items()))


def window_update(stream: int, more: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, stream, struct.pack("!I", more))


def reset(stream: int, code: Code) -> bytes:
    return frame(Kind.RST_STREAM, 0, stream, struct.pack("!I", code))


def go_away(last_stream: int, code: Code) -> bytes:
    return frame(Kind.GOAWAY, 0, 0, struct.pack("!II", last_stream, code))
