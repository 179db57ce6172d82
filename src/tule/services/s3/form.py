"""Reading a browser's upload: `multipart/form-data` as it streams in, the fields first, then the file.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html; RFC 7578.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

from tule.core.errors import ServiceError
from tule.services.s3 import errors
from tule.wire.http import Body

_MAX_FIELDS_BYTES = 20 * 1024
_MAX_PART_HEAD_BYTES = 8 * 1024


@dataclass(slots=True, frozen=True)
class Form:
    """`fields` by lower-case name, those before the file; `filename` is None where the form names none; `file` are its bytes, once."""

    fields: dict[str, str]
    filename: str | None
    content_type: str | None
    file: AsyncIterator[bytes]


async def read(body: Body, content_type: str) -> Form:
    """Raises PreconditionFailed, MalformedPOSTRequest, InvalidArgument or MaxPostPreDataLengthExceededError."""
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise errors.precondition_failed("Bucket POST must be of the enclosure-type multipart/form-data")
    stream = _Stream(body, b"\r\n--" + boundary.encode())
    await stream.begin()
    fields: dict[str, str] = {}
    size = 0
    while await stream.next_part():
        disposition = await stream.part_head()
        name = disposition.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise malformed()
        if name.lower() == "file":
            filename = disposition.get_filename()
            kind = disposition["content-type"]
            return Form(fields, filename and re.split(r"[\\/]", filename)[-1], kind, stream.content())
        value = b"".join([piece async for piece in stream.content(limit=_MAX_FIELDS_BYTES - size)])
        size += len(value)
        fields[name.lower()] = value.decode("utf-8", "replace")
    raise errors.invalid_argument("POST requires exactly one file upload per request.", "file", "0")


def malformed() -> ServiceError:
    return ServiceError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.", 400)


def _too_long() -> ServiceError:
    message = "Your POST request fields preceding the upload file were too large."
    return ServiceError("MaxPostPreDataLengthExceededError", message, 400)


class _Stream:
    """The body, cut at its boundaries; holds one piece and what may be the beginning of a boundary."""

    def __init__(self, body: Body, delimiter: bytes) -> None:
        self._pieces = aiter(body)
        self._delimiter = delimiter
        self._held = b"\r\n"  # so that the first boundary looks like the others

    async def begin(self) -> None:
        """Skip what is before the first boundary."""
        async for _ in self.content(limit=_MAX_PART_HEAD_BYTES):
            pass

    async def next_part(self) -> bool:
        """After a boundary: whether another part follows."""
        await self._fill(2)
        mark, self._held = self._held[:2], self._held[2:]
        if mark == b"--":
            return False
        if mark != b"\r\n":
            raise malformed()
        return True

    async def part_head(self) -> Message:
        while b"\r\n\r\n" not in b"\r\n" + self._held:
            if len(self._held) > _MAX_PART_HEAD_BYTES or not await self._more():
                raise malformed()
        text, _, self._held = (b"\r\n" + self._held).partition(b"\r\n\r\n")
        head = Message()
        for line in text.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                head[name.strip().lower()] = value.strip()
        return head

    async def content(self, limit: int | None = None) -> AsyncIterator[bytes]:
        """The bytes up to the next boundary, which is taken away.  Raises MaxPostPreDataLengthExceededError beyond `limit`."""
        size = 0
        while True:
            at = self._held.find(self._delimiter)
            keep = len(self._held) - len(self._delimiter) + 1 if at < 0 else at
            if keep > 0:
                piece, self._held = self._held[:keep], self._held[keep:]
                size += len(piece)
                if limit is not None and size > limit:
                    raise _too_long()
                yield piece
            if at >= 0:
                self._held = self._held[len(self._delimiter) :]
                return
            if not await self._more():
                raise malformed()

    async def _fill(self, count: int) -> None:
        while len(self._held) < count:
            if not await self._more():
                raise malformed()

    async def _more(self) -> bool:
        piece = await anext(self._pieces, None)
        if piece is None:
            return False
        self._held += piece
        return True
