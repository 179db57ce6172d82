"""Frames on an instance's control socket: kind (one byte), lengths of head and body, head (JSON), body (bytes)."""

import json
import struct

PREFIX = struct.Struct("!cII")
INIT, EVENT = b"I", b"E"  # to the instance
READY, FAILED, ANSWER, FAULT = b"R", b"F", b"A", b"X"  # from the instance
STREAM, PIECE = b"S", b"D"  # an answer comes in pieces; its end is an ANSWER without a body, or a FAULT


def pack(kind, head, body=b""):
    raw = json.dumps(head).encode()
    return b"".join((PREFIX.pack(kind, len(raw), len(body)), raw, body))


def read(sock):
    """(kind, head, body); the kind is empty when the other side is gone."""
    prefix = _exactly(sock, PREFIX.size)
    if not prefix:
        return b"", {}, b""
    kind, head_size, body_size = PREFIX.unpack(prefix)
    return kind, json.loads(_exactly(sock, head_size)), _exactly(sock, body_size)


def _exactly(sock, count):
    chunks = []
    while count:
        chunk = sock.recv(min(count, 1 << 20))
        if not chunk:
            return b""
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)
