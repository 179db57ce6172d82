"""Running a query over an object's bytes as they are read, and telling what came of it as events.

AWS: S3 API reference, SelectObjectContent.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from tule.core.errors import ServiceError, not_implemented
from tule.lang.s3_select.failures import SelectFailed
from tule.lang.s3_select.parser import parse
from tule.lang.s3_select.query import Row, Run
from tule.lang.s3_select.readers import CsvReader, JsonReader, Reader
from tule.lang.s3_select.writers import csv_writer, json_writer

_PIECE_CHARS = 512 * 1024
_COMPRESSIONS = ("NONE", "GZIP", "BZIP2")
_JSON_TYPES = ("DOCUMENT", "LINES")

Event = dict[str, Any]


class _Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


class Selection:
    """A checked request.  Raises ServiceError with what is wrong with it."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        if params.get("ExpressionType") != "SQL":
            raise ServiceError("InvalidExpressionType", "The ExpressionType is invalid. Only SQL expressions are supported.", 400)
        given, wanted = params["InputSerialization"], params["OutputSerialization"]
        if "Parquet" in given:
            raise not_implemented("s3", "SelectObjectContent of Parquet")
        if params.get("ScanRange"):
            raise not_implemented("s3", "SelectObjectContent with ScanRange")
        self._compression = given.get("CompressionType") or "NONE"
        if self._compression not in _COMPRESSIONS:
            raise ServiceError(
                "InvalidCompressionFormat", "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.", 400
            )
        self._reader = _reader(given)
        self._write = _writer(wanted)
        self._wants_progress = bool((params.get("RequestProgress") or {}).get("Enabled"))
        try:
            self._run = Run(parse(params["Expression"]))
        except SelectFailed as failed:
            raise refusal(failed) from None
        self._scanned = self._processed = self._returned = 0
        self._held: list[str] = []

    async def events(self, body: bytes | AsyncIterator[bytes]) -> AsyncIterator[Event]:
        """Records, the statistics, the end."""
        unpack = self._unpacker()
        try:
            async for piece in _pieces(body):
                self._scanned += len(piece)
                data = unpack(piece)
                self._processed += len(data)
                for record in self._reader.feed(data):
                    self._take(self._run.take(record))
                if self._is_full:
                    yield self._records()
                if self._run.is_over:
                    break
            if not self._run.is_over:
                for record in self._reader.end():
                    self._take(self._run.take(record))
            self._take(self._run.end())
        except SelectFailed as failed:
            raise refusal(failed) from None
        if self._held:
            yield self._records()
        statistics = {"BytesScanned": self._scanned, "BytesProcessed": self._processed, "BytesReturned": self._returned}
        if self._wants_progress:
            yield {"Progress": {"Details": statistics}}
        yield {"Stats": {"Details": statistics}}
        yield {"End": {}}

    def _take(self, rows: Any) -> None:
        self._held.extend(self._write(row) for row in rows)

    @property
    def _is_full(self) -> bool:
        return sum(map(len, self._held)) >= _PIECE_CHARS

    def _records(self) -> Event:
        payload = "".join(self._held).encode()
        self._held.clear()
        self._returned += len(payload)
        return {"Records": {"Payload": payload}}

    def _unpacker(self) -> Callable[[bytes], bytes]:
        if self._compression == "NONE":
            return lambda data: data
        made: _Decompressor = zlib.decompressobj(wbits=31) if self._compression == "GZIP" else bz2.BZ2Decompressor()

        def unpack(data: bytes) -> bytes:
            try:
                return made.decompress(data)
            except (zlib.error, OSError, EOFError) as error:
                raise SelectFailed("InvalidCompressionFormat", f"{self._compression} is not applicable to the queried object.") from error

        return unpack


async def _pieces(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece


def _reader(given: Mapping[str, Any]) -> Reader:
    if "CSV" in given:
        return CsvReader(given["CSV"])
    kind = (given.get("JSON") or {}).get("Type")
    if kind is None:
        raise ServiceError("InvalidDataSource", "Invalid data source type. Only CSV, JSON, and Parquet are supported.", 400)
    if kind not in _JSON_TYPES:
        raise ServiceError("InvalidJsonType", "The JsonType is invalid. Only DOCUMENT and LINES are supported.", 400)
    return JsonReader(is_lines=kind == "LINES")


def _writer(wanted: Mapping[str, Any]) -> Callable[[Row], str]:
    if "CSV" in wanted:
        return csv_writer(wanted["CSV"])
    return json_writer(wanted.get("JSON") or {})


def refusal(failed: SelectFailed) -> ServiceError:
    return ServiceError(failed.code, failed.message, 400)
