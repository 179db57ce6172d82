"""Receipt handles: which message, of which queue, received for the how-manieth time, and when.

They are no secret, since every use of one is authorized on its queue; a checksum tells a handle from any other text.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from base64 import b64decode, b64encode
from typing import NamedTuple

from tule.services.sqs import errors

_FORM = struct.Struct(">3sIqqqI")
_SUM = struct.Struct(">I")
_MARK = b"\x01\x01\x01"
_BYTES = _FORM.size + _SUM.size
_CHARS = (_BYTES + 2) // 3 * 4


class Receipt(NamedTuple):
    """`queue` and `backlog` are the queue's mark and its backlog then, `receives` how often the message was received by `received_ms`."""

    queue: int
    backlog: int
    seq: int
    received_ms: int
    receives: int


def mark_of(arn: str) -> int:
    """What tells a queue's handles from those of other queues."""
    return zlib.crc32(arn.encode())


def handle_of(receipt: Receipt) -> str:
    body = _FORM.pack(_MARK, *receipt)
    return b64encode(body + _SUM.pack(zlib.crc32(body))).decode()


def parse(handle: str, queue: int) -> Receipt:
    """The receipt, which must be one of the queue with this mark.  Raises ReceiptHandleIsInvalid."""
    if len(handle) != _CHARS:
        raise errors.invalid_handle()
    try:
        raw = b64decode(handle, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.invalid_handle() from error
    body = raw[: _FORM.size]
    if len(raw) != _BYTES or _SUM.pack(zlib.crc32(body)) != raw[_FORM.size :] or body[:3] != _MARK:
        raise errors.invalid_handle()
    receipt = Receipt(*_FORM.unpack(body)[1:])
    if receipt.queue != queue:
        raise errors.handle_of_other_queue(handle)
    return receipt
