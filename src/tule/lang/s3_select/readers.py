"""Reading records from bytes as they come: CSV and JSON.

AWS: S3 API reference, InputSerialization.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

from tule.lang.s3_select.failures import SelectFailed
from tule.lang.s3_select.records import Line, Record

_MOST_CHARS = 1024 * 1024  # AWS: the maximum length of a record is 1 MB


class Reader(Protocol):
    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole by now."""
        ...

    def end(self) -> Iterator[Record]:
        """What is left when no more comes."""
        ...


class CsvReader:
    """`form` is AWS's CSVInput."""

    def __init__(self, form: Mapping[str, Any]) -> None:
        self._field = form.get("FieldDelimiter", ",")
        self._end = form.get("RecordDelimiter", "\n")
        self._quote = form.get("QuoteCharacter", '"')
        self._escape = form.get("QuoteEscapeCharacter", '"')
        self._comment = form.get("Comments", "")
        self._header = form.get("FileHeaderInfo", "NONE")
        self._names: dict[str, int] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""

    def feed(self, data: bytes) -> Iterator[Record]:
        self._text += _decoded(self._decoder, data, final=False)
        yield from self._lines(final=False)

    def end(self) -> Iterator[Record]:
        self._text += _decoded(self._decoder, b"", final=True)
        yield from self._lines(final=True)

    def _lines(self, *, final: bool) -> Iterator[Record]:
        at = 0
        while at < len(self._text):
            end = self._line_end(at)
            if end < 0 and not final:
                break
            text = self._text[at:] if end < 0 else self._text[at:end]
            at = len(self._text) if end < 0 else end + len(self._end)
            line = self._line(text.removesuffix("\r") if self._end == "\n" else text)
            if line is not None:
                yield line
        self._text = self._text[at:]
        if len(self._text) > _MOST_CHARS:
            raise SelectFailed(
                "OverMaxRecordSize", "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB."
            )

    def _line_end(self, at: int) -> int:
        """Where the record ends that begins at `at`: at a delimiter that is not quoted; -1 where it is not there yet."""
        if not self._quote or self._quote not in self._text:
            return self._text.find(self._end, at)
        quoted = False
        while at < len(self._text):
            if quoted and self._escape != self._quote and self._text.startswith(self._escape, at):
                at += 2
                continue
            if self._text[at] == self._quote:
                quoted = not quoted
            elif not quoted and self._text.startswith(self._end, at):
                return at
            at += 1
        return -1

    def _line(self, text: str) -> Line | None:
        if not text or (self._comment and text.startswith(self._comment)):
            return None
        fields = self._fields(text)
        if self._header == "NONE":
            return Line(fields, self._names)
        if self._header == "USE":
            self._names = {name: at for at, name in enumerate(fields)}
        self._header = "NONE"
        return None

    def _fields(self, text: str) -> list[str]:
        if not self._quote or self._quote not in text:
            return text.split(self._field)
        fields: list[str] = []
        at = 0
        while True:
            field, at = self._quoted(text, at + 1) if text.startswith(self._quote, at) else self._plain(text, at)
            fields.append(field)
            if at >= len(text):
                return fields
            at += len(self._field)
            if at == len(text):
                return [*fields, ""]

    def _plain(self, text: str, at: int) -> tuple[str, int]:
        end = text.find(self._field, at)
        return (text[at:], len(text)) if end < 0 else (text[at:end], end)

    def _quoted(self, text: str, at: int) -> tuple[str, int]:
        """The field whose quotes began before `at`, and where its delimiter, or the end, is."""
        made = ""
        while at < len(text):
            if text.startswith(self._escape + self._quote, at):
                made, at = made + self._quote, at + 2
            elif text[at] == self._quote:
                rest, at = self._plain(text, at + 1)
                return made + rest, at
            else:
                made, at = made + text[at], at + 1
        raise SelectFailed("CSVUnescapedQuote", "Encountered an error parsing the CSV file: a quoted field is not closed.")


class JsonReader:
    """Values one after the other.  Where each is a line (`is_lines`) only that one is held, else all of them."""

    def __init__(self, *, is_lines: bool) -> None:
        self._is_lines = is_lines
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(parse_float=Decimal)
        self._text = ""

    def feed(self, data: bytes) -> Iterator[Record]:
        self._text += _decoded(self._decoder, data, final=False)
        if self._is_lines and "\n" in self._text:
            yield from self._values(final=False)

    def end(self) -> Iterator[Record]:
        self._text += _decoded(self._decoder, b"", final=True)
        yield from self._values(final=True)

    def _values(self, *, final: bool) -> Iterator[Record]:
        at = 0
        while True:
            while at < len(self._text) and self._text[at] in " \t\r\n,":
                at += 1
            if at >= len(self._text):
                break
            try:
                value, end = self._json.raw_decode(self._text, at)
            except ValueError as error:
                if final:
                    raise SelectFailed("JSONParsingError", "Encountered an error parsing the JSON file.") from error
                break
            if end == len(self._text) and not final and not isinstance(value, (dict, list)):
                break
            at = end
            yield value
        self._text = self._text[at:]


def _decoded(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
    try:
        return decoder.decode(data, final)
    except UnicodeDecodeError as error:
        raise SelectFailed("InvalidTextEncoding", "Invalid encoding type. Only UTF-8 encoding is supported.") from error
