"""Header compression of HTTP/2.  RFC 7541.

`Decoder` is the whole of it: static and dynamic table, Huffman codes.  `encode` writes every field as a literal that is
not indexed, which every decoder reads and which needs no state on our side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

Field = tuple[str, str]

ENTRY_BYTES = 32  # that an entry of a table counts beside its name and value: section 4.1
TABLE_BYTES = 4096  # of the dynamic table, SETTINGS_HEADER_TABLE_SIZE's initial value
_MAX_INTEGER = 1 << 32

# Appendix A, in order; indices begin at 1.
_STATIC: tuple[Field, ...] = (
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    *((":status", status) for status in ("200", "204", "206", "304", "400", "404", "500")),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    *(
        (name, "")
        for name in (
            *("accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization", "cache-control"),
            *("content-disposition", "content-encoding", "content-language", "content-length", "content-location", "content-range"),
            *("content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match"),
            *("if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate"),
            *("proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security"),
            *("transfer-encoding", "user-agent", "vary", "via", "www-authenticate"),
        )
    ),
)

# Appendix B: how many bits the code of each byte has, and of the end of the string (256).  The code is canonical:
# codes of one length follow each other in the order of their symbols, so the lengths say all.
_LENGTHS = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c060a0a0c0d06080b0a0a080b080606060505050606060606060607080f060c0a"
    "0d06070707070707070707070707070707070707070707070807080d130d0e060f05060506050606060507070606060506070605050607070707070f0b0e0d1c"
    "14161414161616171617171717171817181816171817171717151617161717181615141616171715171616181516171715151615171617171416161617161617"
    "1a1a1413161716191a1a1a1b1b1a181913151a1b1b1a1b1815151a1a1c1b1b1b14181415161515171616191918181a171a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a"
    "1e"
)
_END = 256


class BlockError(Exception):
    """The block does not decode; what follows on the connection does not either: COMPRESSION_ERROR."""


def _codes() -> dict[tuple[int, int], int]:
    """Symbols by the length and the bits of their codes."""
    found: dict[tuple[int, int], int] = {}
    code = 0
    previous = 0
    for length in sorted(set(_LENGTHS)):
        code <<= length - previous
        previous = length
        for symbol in (symbol for symbol, its in enumerate(_LENGTHS) if its == length):
            found[length, code] = symbol
            code += 1
    return found


def _short(codes: dict[tuple[int, int], int]) -> list[tuple[int, int] | None]:
    """By the next eight bits: symbol and length of the code that they begin with, where it is no longer than they are."""
    found: list[tuple[int, int] | None] = [None] * 256
    for (length, code), symbol in codes.items():
        if length <= 8:
            first = code << (8 - length)
            found[first : first + (1 << (8 - length))] = [(symbol, length)] * (1 << (8 - length))
    return found


_CODES = _codes()
_SHORT = _short(_CODES)
_LONG_LENGTHS = sorted({length for length, _ in _CODES if length > 8})


class Decoder:
    """What one side of a connection said, block after block."""

    def __init__(self) -> None:
        self._entries: deque[Field] = deque()  # newest first
        self._bytes = 0
        self._capacity = TABLE_BYTES

    def decode(self, block: bytes, limit: int) -> list[Field] | None:
        """The fields in order; None when they are more than `limit` bytes (the table is kept right all the same).

        Raises BlockError."""
        fields: list[Field] = []
        size = 0
        at = 0
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _integer(block, at, 7)
                field = self._at(index)
            elif first & 0xE0 == 0x20:
                if fields:
                    raise BlockError("the table's size changes within a block")
                capacity, at = _integer(block, at, 5)
                self._resize(capacity)
                continue
            else:
                indexed = bool(first & 0x40)
                field, at = self._literal(block, at, 6 if indexed else 4)
                if indexed:
                    self._add(field)
            size += len(field[0]) + len(field[1]) + ENTRY_BYTES
            if size <= limit:
                fields.append(field)
        return fields if size <= limit else None

    def _literal(self, block: bytes, at: int, prefix: int) -> tuple[Field, int]:
        index, at = _integer(block, at, prefix)
        if index:
            name = self._at(index)[0]
        else:
            name, at = _string(block, at)
        value, at = _string(block, at)
        return (name, value), at

    def _at(self, index: int) -> Field:
        if 0 < index <= len(_STATIC):
            return _STATIC[index - 1]
        if 0 < index <= len(_STATIC) + len(self._entries):
            return self._entries[index - len(_STATIC) - 1]
        raise BlockError(f"there is no entry {index}")

    def _add(self, field: Field) -> None:
        self._entries.appendleft(field)
        self._bytes += len(field[0]) + len(field[1]) + ENTRY_BYTES
        self._evict()

    def _resize(self, capacity: int) -> None:
        if capacity > TABLE_BYTES:
            raise BlockError(f"a table of {capacity} bytes was not offered")
        self._capacity = capacity
        self._evict()

    def _evict(self) -> None:
        while self._bytes > self._capacity:
            name, value = self._entries.pop()
            self._bytes -= len(name) + len(value) + ENTRY_BYTES


def encode(fields: Iterable[Field]) -> bytes:
    """A block of these fields."""
    parts: list[bytes] = []
    for name, value in fields:
        parts.append(b"\x00")
        for text in (name, value):
            octets = _octets(text)
            parts += (_length(len(octets)), octets)
    return b"".join(parts)


def _octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _length(value: int) -> bytes:
    """An integer with a prefix of seven bits: section 5.1."""
    if value < 127:
        return bytes((value,))
    rest = bytearray(b"\x7f")
    value -= 127
    while value >= 128:
        rest.append(value & 0x7F | 0x80)
        value >>= 7
    rest.append(value)
    return bytes(rest)


def _integer(block: bytes, at: int, prefix: int) -> tuple[int, int]:
    most = (1 << prefix) - 1
    value = block[at] & most if at < len(block) else _cut()
    at += 1
    if value < most:
        return value, at
    shift = 0
    while True:
        octet = block[at] if at < len(block) else _cut()
        at += 1
        value += (octet & 0x7F) << shift
        if value > _MAX_INTEGER:
            raise BlockError("an integer is too large")
        if not octet & 0x80:
            return value, at
        shift += 7


def _string(block: bytes, at: int) -> tuple[str, int]:
    is_huffman = at < len(block) and bool(block[at] & 0x80)
    length, at = _integer(block, at, 7)
    octets = block[at : at + length]
    if len(octets) < length:
        _cut()
    return (_unhuffman(octets) if is_huffman else octets).decode("latin-1"), at + length


def _cut() -> int:
    raise BlockError("the block ends within a field")


def _unhuffman(data: bytes) -> bytes:
    out = bytearray()
    held = 0  # bits that are not decoded yet, and how many
    bits = 0
    for octet in data:
        held = held << 8 | octet
        bits += 8
        while bits >= 8:
            found = _SHORT[held >> (bits - 8)] or _long(held, bits)
            if found is None:
                break
            out.append(found[0])
            bits -= found[1]
            held &= (1 << bits) - 1
    while bits:
        padding = max(8 - bits, 0)
        found = _SHORT[(held << padding | (1 << padding) - 1) & 0xFF] if bits < 8 else None
        if found is None or found[1] > bits:
            break
        out.append(found[0])
        bits -= found[1]
        held &= (1 << bits) - 1
    if bits >= 8 or held != (1 << bits) - 1:
        raise BlockError("a string's padding is not the beginning of the end's code")
    return bytes(out)


def _long(held: int, bits: int) -> tuple[int, int] | None:
    """The code of more than eight bits that `held` begins with; None when more of it has to come."""
    for length in _LONG_LENGTHS:
        if length > bits:
            return None
        symbol = _CODES.get((length, held >> (bits - length)))
        if symbol is not None:
            if symbol == _END:
                raise BlockError("a string holds the code of its end")
            return symbol, length
    raise BlockError("no symbol has this code")
