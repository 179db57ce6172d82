"""Connections to PostgreSQL: where, with what settings, and how Python's values become the database's and back.

The mapping is SQLite's, so that closures see the same on both stores: integers are 64 bits wide, booleans are 0 and 1,
sums and averages are plain numbers, bytes are bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader, NumericLoader
from psycopg.types.string import StrBinaryDumper

from tule.store.store import Row

Connection = psycopg.Connection[Row]

_SEARCH_PATH = re.compile(r"-c\s*search_path=\s*\"?([A-Za-z_][A-Za-z0-9_]*)\"?")
_DEFAULTS = {"connect_timeout": "5", "keepalives_idle": "30", "tcp_user_timeout": "30000", "application_name": "tule"}
PREPARE_AFTER = 3  # executions, then the statement stays prepared


@dataclass(slots=True, frozen=True)
class Address:
    """A database and, in it, a schema (empty: the server's default).  `relaxed`: may lose its last second."""

    conninfo: str
    schema: str = ""
    relaxed: bool = False

    @classmethod
    def of(cls, url: str, *, telemetry: bool = False) -> Address:
        """From `postgresql://user@host/database?options=-csearch_path%3Dschema`.  Telemetry has a schema beside it."""
        parts: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(url)}
        found = _SEARCH_PATH.search(str(parts.get("options", "")))
        schema = found.group(1) if found else ""
        if telemetry:
            schema = f"{schema}_telemetry" if schema else "telemetry"
        return cls(make_conninfo(**parts), schema, telemetry)


def connect(address: Address, *, schema: bool = True) -> Connection:
    """A new connection in autocommit mode: transactions are begun and ended in so many words."""
    connection = psycopg.connect(address.conninfo, autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=PREPARE_AFTER)
    adapters = connection.adapters
    adapters.register_dumper(int, Int8BinaryDumper)
    adapters.register_dumper(bool, _BoolAsNumber)
    adapters.register_dumper(str, StrBinaryDumper)
    for kind, loaders in (("bool", (_NumberFromBool, _NumberFromBinaryBool)), ("numeric", (_PlainNumber, _PlainBinaryNumber))):
        for loader in loaders:
            adapters.register_loader(kind, loader)
    if schema and address.schema:
        connection.execute(f'SET search_path = "{address.schema}"'.encode())
    if address.relaxed:
        connection.execute(b"SET synchronous_commit = off")
    return connection


class _BoolAsNumber(Dumper):
    format = Format.BINARY
    oid = Int8BinaryDumper.oid

    def dump(self, obj: bool) -> Buffer:
        return int(obj).to_bytes(8, "big")


class _NumberFromBool(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class _NumberFromBinaryBool(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        return int(bytes(data) != b"\x00")


class _PlainNumber(NumericLoader):
    def load(self, data: Buffer) -> Any:
        return _plain(super().load(data))


class _PlainBinaryNumber(NumericBinaryLoader):
    def load(self, data: Buffer) -> Any:
        return _plain(super().load(data))


def _plain(value: Any) -> int | float:
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent >= 0 else float(value)
