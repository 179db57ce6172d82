"""DNS packets of a resolver that knows only addresses: one question in, one answer out.  RFC 1035, section 4."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

A = 1
IN = 1
NO_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED = 0, 2, 3, 4
MAX_NAME_BYTES = 255
_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!2H")
_ANSWER = struct.Struct("!3HIH4s")
_RESPONSE, _OPCODE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x7800, 0x0100, 0x0080
_POINTER_TO_QUESTION = 0xC000 | _HEADER.size


class MalformedPacket(ValueError):
    """It is no query, and gets no answer."""


@dataclass(slots=True, frozen=True)
class Question:
    """`name` is in lower case, without the final dot; `raw` is the question as it was asked, which the answer repeats."""

    id: int
    flags: int
    name: str
    kind: int
    raw: bytes

    @property
    def standard(self) -> bool:
        """Not an update, a notification or a status request."""
        return self.flags & _OPCODE == 0


def parse(packet: bytes) -> Question:
    """Raises MalformedPacket.  What follows the question (EDNS) is of no interest to a resolver with one answer."""
    if len(packet) < _HEADER.size:
        raise MalformedPacket("shorter than a header")
    number, flags, questions, *_ = _HEADER.unpack_from(packet)
    if flags & _RESPONSE or questions != 1:
        raise MalformedPacket("not one question")
    name, end = _name(packet, _HEADER.size)
    if len(packet) < end + _QUESTION.size:
        raise MalformedPacket("the question is cut")
    kind, space = _QUESTION.unpack_from(packet, end)
    if space != IN:
        raise MalformedPacket("not of the internet")
    return Question(number, flags, name, kind, packet[_HEADER.size : end + _QUESTION.size])


def answer(question: Question, code: int, address: str = "", ttl_s: int = 0) -> bytes:
    """With an address, an A record; without, none (a name may exist and have no record of the kind that was asked for)."""
    flags = _RESPONSE | _RECURSION_AVAILABLE | question.flags & (_OPCODE | _RECURSION_DESIRED) | code
    head = _HEADER.pack(question.id, flags, 1, 1 if address else 0, 0, 0)
    record = _ANSWER.pack(_POINTER_TO_QUESTION, A, IN, ttl_s, 4, socket.inet_aton(address)) if address else b""
    return head + question.raw + record


def _name(packet: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and where it ends.  Queries have nothing to point back to, so labels are all there is."""
    labels: list[str] = []
    begin = at
    while True:
        if at >= len(packet):
            raise MalformedPacket("the name is cut")
        size = packet[at]
        at += 1
        if size == 0:
            return ".".join(labels).lower(), at
        if size > 63 or at + size - begin > MAX_NAME_BYTES or at + size > len(packet):
            raise MalformedPacket("a label is too long")
        try:
            labels.append(packet[at : at + size].decode("ascii"))
        except UnicodeDecodeError as error:
            raise MalformedPacket("a label is not ASCII") from error
        at += size
