"""Where items lie: their keys as bytes.

A partition key becomes a digest of 16 bytes; whoever wants two keys with the same has to try 2^64.  A sort key becomes bytes
that sort as DynamoDB sorts: texts by their UTF-8, binaries as they are, numbers by value.  The up to four attributes of a
global index's sort key are put together so that they sort one after the other.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (key lengths)
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tule.lang.dynamodb.numbers import sortable
from tule.services.dynamodb import refusals
from tule.services.dynamodb.errors import parameter_values
from tule.services.dynamodb.state.index_items import Place
from tule.services.dynamodb.state.items import Position, Span
from tule.services.dynamodb.table import Index, Keys, Table

Item = Mapping[str, Any]

HASH_BYTES = 2_048
RANGE_BYTES = 1_024
_DIGEST = 16
_SHORT = 256  # characters of a key, which have no more bytes than any key may
_END = b"\x00\x01"  # of an attribute in a sort key of several; a NUL within one is written 00 FF
_KINDS = {"S": "string", "B": "binary"}


def encoded(kind: str, value: str) -> bytes:
    """A scalar's bytes, which sort as DynamoDB sorts values of the kind."""
    if kind == "S":
        return value.encode()
    return sortable(value) if kind == "N" else b64decode(value)


def position(table: Table, key: Item) -> Position:
    """Where the item of this key lies; other attributes do not matter.  The key must have been checked."""
    names, types = table.keys, table.types
    name = names.hash[0]
    hash = _digest(encoded(types[name], key[name][types[name]]))
    if not names.range:
        return Position(hash, b"")
    name = names.range[0]
    return Position(hash, encoded(types[name], key[name][types[name]]))


def position_of_key(table: Table, key: Item) -> Position:
    """Where the item of a request's `Key` lies.  Raises ValidationException for what is not exactly the table's key."""
    found = _usual_position(table, key)
    if found is not None and len(key) == len(table.key_kinds):
        return found
    names = table.keys
    if len(key) != len(names.hash) + len(names.range):
        raise refusals.key_mismatch()
    hash = _key_bytes(table, names.hash[0], key, HASH_BYTES)
    return Position(_digest(hash), _key_bytes(table, names.range[0], key, RANGE_BYTES) if names.range else b"")


def _usual_position(table: Table, item: Item) -> Position | None:
    """Where an item lies whose key is a short text, or that and a short text or number.  None where the rest has to look."""
    parts: list[bytes] = []
    for name, kind in table.key_kinds:
        value = item.get(name)
        text = None if value is None else value.get(kind)
        if not text or len(text) > _SHORT or kind == "B":
            return None
        if parts:
            parts.append(text.encode() if kind == "S" else sortable(text))
        elif kind == "S":
            parts.append(_digest_of_text(text))
        else:
            return None
    return Position(parts[0], parts[1] if len(parts) == 2 else b"")


def _key_bytes(table: Table, name: str, key: Item, limit: int) -> bytes:
    value = key.get(name)
    kind = table.types[name]
    if value is None or kind not in value:
        raise refusals.key_mismatch()
    return _within(name, kind, encoded(kind, value[kind]), limit)


def position_of_item(table: Table, item: Item) -> Position:
    """Where an item that is put lies.  Raises ValidationException where it lacks the table's key."""
    found = _usual_position(table, item)
    if found is not None:
        return found
    names = table.keys
    hash = _item_bytes(table, names.hash[0], item, HASH_BYTES)
    return Position(_digest(hash), _item_bytes(table, names.range[0], item, RANGE_BYTES) if names.range else b"")


def position_in_batch(table: Table, item: Item) -> Position:
    """The same of a batch, which words it as of a key."""
    found = _usual_position(table, item)
    return found if found is not None else position_of_key(table, {name: item[name] for name in table.keys.all if name in item})


def _item_bytes(table: Table, name: str, item: Item, limit: int) -> bytes:
    value = item.get(name)
    kind = table.types[name]
    if value is None:
        raise parameter_values(f"Missing the key {name} in the item")
    if kind not in value:
        raise parameter_values(f"Type mismatch for key {name} expected: {kind} actual: {next(iter(value))}")
    return _within(name, kind, encoded(kind, value[kind]), limit)


def _within(name: str, kind: str, text: bytes, limit: int) -> bytes:
    if not text:
        raise refusals.empty_key(name, _KINDS[kind])
    if len(text) > limit:
        raise refusals.hash_key_too_long() if limit == HASH_BYTES else refusals.range_key_too_long()
    return text


def check_index_keys(table: Table, item: Item) -> None:
    """Raises ValidationException where an attribute of an index's key cannot be one.

    Of an update only the attributes that it wrote are given: an item may have others since before there was the index.
    """
    for index in table.kept_indexes:
        _check_index_part(table, index, index.keys.hash, item, HASH_BYTES)
        _check_index_part(table, index, index.keys.range, item, RANGE_BYTES)


def _check_index_part(table: Table, index: Index, names: Sequence[str], item: Item, limit: int) -> None:
    """The attributes of a partition or sort key share its limit."""
    total = 0
    for name in names:
        value = item.get(name)
        if value is None:
            continue
        kind = table.types[name]
        if kind not in value:
            raise refusals.index_key_mismatch(index.name, name, kind, next(iter(value)))
        text: str = value[kind]
        if not text:
            raise refusals.empty_index_key(index.name, name, _KINDS[kind])
        total += len(text)
    if total > limit // 4 and _bytes_of(table, names, item) > limit:  # a character has four bytes at most
        raise refusals.hash_key_too_long() if limit == HASH_BYTES else refusals.range_key_too_long()


def _bytes_of(table: Table, names: Sequence[str], item: Item) -> int:
    return sum(len(encoded(table.types[name], item[name][table.types[name]])) for name in names if name in item)


def place(table: Table, index: Index, item: Item, base: Position) -> Place | None:
    """Where an item lies in an index; None where it lacks a key of it, or has one that cannot be indexed."""
    hash = _parts(table, index.keys.hash, item, HASH_BYTES)
    range = _parts(table, index.keys.range, item, RANGE_BYTES)
    if hash is None or range is None:
        return None
    return Place(_digest_of(hash), sort_key(range), base_digest(base))


def _parts(table: Table, names: Sequence[str], item: Item, limit: int) -> list[bytes] | None:
    parts: list[bytes] = []
    for name in names:
        value = item.get(name)
        kind = table.types[name]
        if value is None or not value.get(kind):
            return None
        parts.append(encoded(kind, value[kind]))
    return parts if sum(map(len, parts)) <= limit else None


def base_digest(base: Position) -> bytes:
    return _digest(base.hash + base.range)


def hash_of(types: Mapping[str, str], names: Sequence[str], values: Item) -> bytes:
    """The digest of a partition key, from values that have the right types."""
    return _digest_of([encoded(types[name], values[name][types[name]]) for name in names])


def sort_key(parts: Sequence[bytes]) -> bytes:
    """The bytes of a sort key of one attribute, or of several."""
    if len(parts) == 1:
        return parts[0]
    return b"".join(_ended(part) for part in parts)


def _ended(part: bytes) -> bytes:
    return part.replace(b"\x00", b"\x00\xff") + _END


def span(keys: Keys, equal: Sequence[bytes], operator: str, operands: Sequence[bytes]) -> Span:
    """The sort keys whose first attributes are `equal` and whose next one satisfies an operator ("" for none).

    Operators: = < <= > >= BETWEEN begins_with.
    """
    if len(keys.range) < 2:
        return _plain_span(operator, operands)
    prefix = b"".join(_ended(part) for part in equal)
    if operator == "begins_with":
        begin = prefix + operands[0].replace(b"\x00", b"\x00\xff")
        return Span(begin, _after_all(begin))
    first = prefix + _ended(operands[0]) if operands else prefix
    match operator:
        case "=" | "":
            return Span(first, _after_all(first))
        case "<":
            return Span(prefix, first)
        case "<=":
            return Span(prefix, _after_all(first))
        case ">":
            return Span(_after_all(first) or first, _after_all(prefix))
        case ">=":
            return Span(first, _after_all(prefix))
        case _:
            return Span(first, _after_all(prefix + _ended(operands[1])))


def _plain_span(operator: str, operands: Sequence[bytes]) -> Span:
    match operator:
        case "":
            return Span()
        case "=":
            return Span(operands[0], operands[0] + b"\x00")
        case "<":
            return Span(b"", operands[0])
        case "<=":
            return Span(b"", operands[0] + b"\x00")
        case ">":
            return Span(operands[0] + b"\x00", None)
        case ">=":
            return Span(operands[0], None)
        case "begins_with":
            return Span(operands[0], _after_all(operands[0]))
        case _:
            return Span(operands[0], operands[1] + b"\x00")


def _after_all(prefix: bytes) -> bytes | None:
    """The first bytes after all that begin with `prefix`; None where nothing comes after."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def segment(number: int, total: int) -> tuple[bytes, bytes | None]:
    """The digests of a parallel scan's segment: from the first of the bytes on, and before the second."""
    low = (number << 64) // total
    high = ((number + 1) << 64) // total
    return (low.to_bytes(8) if number else b""), (None if number + 1 == total else high.to_bytes(8))


def key_of(table: Table, item: Item) -> dict[str, Any]:
    """The key of an item."""
    return {name: item[name] for name in table.keys.all}


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=_DIGEST).digest()


@lru_cache(maxsize=4096)
def _digest_of_text(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_DIGEST).digest()


def _digest_of(parts: Sequence[bytes]) -> bytes:
    if len(parts) == 1:
        return _digest(parts[0])
    return _digest(b"".join(len(part).to_bytes(2) + part for part in parts))
