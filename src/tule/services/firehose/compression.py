"""How objects are compressed.  AWS: Amazon Data Firehose API reference, CompressionFormat.

Snappy's formats are written with literals only: every reader takes them, and nothing gets smaller.
"""

from __future__ import annotations

import gzip
import io
import struct
from functools import cache

EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".hsnappy"}

_STREAM_HEADER = b"\xff\x06\x00\x00sNaPpY"
_CHUNK = 65_536
_HADOOP_BLOCK = 256 * 1024


def compress(kind: str, data: bytes, name: str) -> bytes:
    """`name` is that of the one member of a ZIP."""
    match kind:
        case "GZIP":
            return gzip.compress(data, mtime=0)
        case "ZIP":
            return _zip(data, name)
        case "Snappy":
            return _framed(data)
        case "HADOOP_SNAPPY":
            return _hadoop(data)
        case _:
            return data


def _zip(data: bytes, name: str) -> bytes:
    import zipfile  # slow to load, and seldom needed

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _framed(data: bytes) -> bytes:
    """Snappy's framing format: uncompressed chunks with their checksums.  https://github.com/google/snappy, framing_format.txt"""
    parts = [_STREAM_HEADER]
    for at in range(0, len(data), _CHUNK):
        chunk = data[at : at + _CHUNK]
        parts.append(b"\x01" + struct.pack("<I", len(chunk) + 4)[:3] + struct.pack("<I", _masked(_crc32c(chunk))) + chunk)
    return b"".join(parts)


def _hadoop(data: bytes) -> bytes:
    """Hadoop's block format: a block's length, the length of its snappy form, and that."""
    parts: list[bytes] = []
    for at in range(0, len(data), _HADOOP_BLOCK):
        block = data[at : at + _HADOOP_BLOCK]
        raw = _literals(block)
        parts.append(struct.pack(">II", len(block), len(raw)) + raw)
    return b"".join(parts)


def _literals(data: bytes) -> bytes:
    parts = [_varint(len(data))]
    for at in range(0, len(data), _CHUNK):
        chunk = data[at : at + _CHUNK]
        parts.append(b"\xf4" + struct.pack("<H", len(chunk) - 1) + chunk)  # a literal whose length takes two bytes
    return b"".join(parts)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> list[int]:
    table: list[int] = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1
        table.append(crc)
    return table


def _crc32c(data: bytes) -> int:
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
