"""Lines of imported objects as items: DynamoDB JSON, CSV, Ion.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from tule.core.errors import ServiceError
from tule.services.dynamodb.transfers import ion_reading

Types = Mapping[str, str]  # of the attributes that are keys


class Parsed(NamedTuple):
    """An item, or what is wrong with the text."""

    item: dict[str, Any] | None
    complaint: str = ""
    text: str = ""


class Parser(Protocol):
    def line(self, line: bytes) -> Iterator[Parsed]: ...

    def end(self) -> Iterator[Parsed]: ...


def parser(format: str, options: Mapping[str, Any], types: Types) -> Parser:
    if format == "CSV":
        return _Csv(options, types)
    return _Ion() if format == "ION" else _Json()


class _Json:
    """`{"Item": {...}}`, one a line."""

    def line(self, line: bytes) -> Iterator[Parsed]:
        if not line.strip():
            return
        try:
            found: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield _wrong(f"The line is not valid JSON: {error}", line)
            return
        item = found.get("Item") if isinstance(found, dict) else None
        yield Parsed(item, "", line.decode(errors="replace")) if isinstance(item, dict) else _wrong("The line has no Item", line)

    def end(self) -> Iterator[Parsed]:
        yield from ()


class _Csv:
    """Texts, but for keys, which have their types.  The first line names the attributes, unless the import does."""

    def __init__(self, options: Mapping[str, Any], types: Types) -> None:
        self._delimiter: str = options.get("Delimiter", ",")
        self._names: Sequence[str] | None = options.get("HeaderList")
        self._types = types

    def line(self, line: bytes) -> Iterator[Parsed]:
        text = line.decode("utf-8-sig" if self._names is None else "utf-8", errors="replace").rstrip("\r")
        if not text:
            return
        fields = next(csv.reader([text], delimiter=self._delimiter))
        if self._names is None:
            self._names = fields
            return
        if len(fields) != len(self._names):
            yield _wrong(f"The line has {len(fields)} fields in place of {len(self._names)}", line)
            return
        pairs = zip(self._names, fields, strict=True)
        yield Parsed({name: {self._types.get(name, "S"): value} for name, value in pairs}, "", text)

    def end(self) -> Iterator[Parsed]:
        yield from ()


class _Ion:
    """Structs with a field `Item`; one may go over several lines."""

    def __init__(self) -> None:
        self._open = ""

    def line(self, line: bytes) -> Iterator[Parsed]:
        text = f"{self._open}{line.decode(errors='replace')}\n"
        if _is_open(text):
            self._open = text
            return
        self._open = ""
        yield from _of_ion(text)

    def end(self) -> Iterator[Parsed]:
        if self._open.strip():
            yield from _of_ion(self._open)


def _is_open(text: str) -> bool:
    """Whether more lines belong to the last struct, as far as a look at its brackets tells."""
    return text.count("{") > text.count("}")


def _of_ion(text: str) -> Iterator[Parsed]:
    try:
        for value in ion_reading.values(text):
            item: Any = value.get("M", {}).get("Item", {}).get("M")
            yield Parsed(item, "", text) if item is not None else _wrong("The value has no Item", text.encode())
    except (ion_reading.InvalidIon, ServiceError) as error:
        yield _wrong(error.message if isinstance(error, ServiceError) else str(error), text.encode())


def _wrong(complaint: str, line: bytes) -> Parsed:
    return Parsed(None, complaint, line.decode(errors="replace"))
