"""The checksums of objects: which one a request carries, computing it piece by piece, and putting parts together.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from tule.services.s3 import errors

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
DEFAULT = "CRC64NVME"  # what S3 computes when the client sends none


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size)


class _XxHash:
    """Of awscrt, whose hashes may be finished once only."""

    def __init__(self, name: str) -> None:
        self._hash = getattr(_crt().XXHash, name)()
        self._digest: bytes | None = None

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        found = self._digest
        if found is None:
            found = self._digest = bytes(self._hash.finalize())
        return found


class _Kind(NamedTuple):
    start: Callable[[], Hash]
    size: int  # bytes of the digest
    combine: Callable[[int, int, int], int] | None  # of the checksums of two pieces and the second one's length


def _crc(name: str, size: int) -> Callable[[], Hash]:
    return lambda: _Crc(getattr(_crt(), name), size)


def _combine(name: str) -> Callable[[int, int, int], int]:
    return lambda first, second, length: getattr(_crt(), name)(first, second, length)


@cache
def _crt() -> ModuleType:
    """The C library, loaded when the first checksum is computed: it costs a twentieth of a node's start."""
    return importlib.import_module("awscrt.checksums")


KINDS: Mapping[str, _Kind] = {
    "CRC32": _Kind(lambda: _Crc(zlib.crc32, 4), 4, _combine("combine_crc32")),
    "CRC32C": _Kind(_crc("crc32c", 4), 4, _combine("combine_crc32c")),
    "CRC64NVME": _Kind(_crc("crc64nvme", 8), 8, _combine("combine_crc64nvme")),
    "SHA1": _Kind(hashlib.sha1, 20, None),
    "SHA256": _Kind(hashlib.sha256, 32, None),
    "SHA512": _Kind(hashlib.sha512, 64, None),
    "MD5": _Kind(lambda: hashlib.md5(usedforsecurity=False), 16, None),
    "XXHASH64": _Kind(lambda: _XxHash("new_xxhash64"), 8, None),
    "XXHASH3": _Kind(lambda: _XxHash("new_xxhash3_64"), 8, None),
    "XXHASH128": _Kind(lambda: _XxHash("new_xxhash3_128"), 16, None),
}
MEMBERS: Mapping[str, str] = {f"Checksum{name}": name for name in KINDS}
_MEMBERS = frozenset(MEMBERS)
_BY_HEADER: Mapping[str, str] = {f"x-amz-checksum-{name.lower()}": name for name in KINDS}
_PREFIX = "x-amz-checksum-"


class Checksum(NamedTuple):
    """A stored checksum; `value` is base64, for a composite with `-N`."""

    algorithm: str
    type: str
    value: str

    @property
    def members(self) -> dict[str, str]:
        return {f"Checksum{self.algorithm}": self.value, "ChecksumType": self.type}

    @property
    def text(self) -> str:
        return f"{self.algorithm}:{self.type}:{self.value}"


def parse(text: str) -> Checksum:
    return Checksum(*text.split(":", 2))


class Wanted(NamedTuple):
    """The checksum that a request asks for: `value` is what the client said, None when it comes in the trailer."""

    algorithm: str
    value: str | None
    trailing: bool = False

    @property
    def header(self) -> str:
        return _PREFIX + self.algorithm.lower()


def wanted(params: Mapping[str, Any], headers: Mapping[str, str]) -> Wanted | None:
    """What the request carries.  Raises InvalidRequest for two checksums, an unknown algorithm, or a malformed value."""
    found = (
        [] if _MEMBERS.isdisjoint(params) else [Wanted(name, params[member]) for member, name in MEMBERS.items() if params.get(member) is not None]
    )
    trailer = headers.get("x-amz-trailer", "").strip().lower()
    if trailer.startswith(_PREFIX):
        if trailer not in _BY_HEADER:
            raise errors.invalid_request("The value specified in the x-amz-trailer header is not supported")
        found.append(Wanted(_BY_HEADER[trailer], None, trailing=True))
    if len(found) > 1:
        raise errors.invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    algorithm = params.get("ChecksumAlgorithm")
    if algorithm is not None:
        algorithm = check_algorithm(algorithm)
    if not found:
        return Wanted(algorithm, None) if algorithm and headers.get("x-amz-sdk-checksum-algorithm") is None else None
    want = found[0]
    if want.value is not None:
        check_value(want.algorithm, want.value, want.header)
    return want


def check_algorithm(name: str) -> str:
    if name.upper() not in KINDS:
        known = "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        raise errors.invalid_request(f"Checksum algorithm provided is unsupported. Please try again with any of the valid types: {known}")
    return name.upper()


def check_value(algorithm: str, value: str, header: str) -> None:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != KINDS[algorithm].size:
        raise errors.invalid_checksum_header(header)


def composite(algorithm: str, parts: Iterable[str]) -> Checksum:
    """The checksum of the parts' checksums, with how many they were."""
    digest = KINDS[algorithm].start()
    values = list(parts)
    for value in values:
        digest.update(base64.b64decode(value))
    return Checksum(algorithm, COMPOSITE, f"{base64.b64encode(digest.digest()).decode()}-{len(values)}")


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> Checksum:
    """The checksum of the whole, from (checksum, length) of its parts; for the CRCs only."""
    kind = KINDS[algorithm]
    assert kind.combine is not None
    total = 0
    for value, length in parts:
        total = kind.combine(total, int.from_bytes(base64.b64decode(value)), length)
    return Checksum(algorithm, FULL_OBJECT, base64.b64encode(total.to_bytes(kind.size)).decode())
