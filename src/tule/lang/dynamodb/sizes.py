"""How many bytes an item counts for: its limit of 400 KB, its page's 1 MB, and capacity.

AWS: Developer Guide, "DynamoDB item sizes and formats".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.lang.dynamodb import numbers

LIMIT = 400 * 1024  # bytes of an item, names included


def size(item: Mapping[str, Any]) -> int:
    """Bytes of an item in normal form: names and values."""
    total = 0
    for name, value in item.items():
        text = value.get("S")
        total += len(name) if name.isascii() else len(name.encode())
        if text is None:
            total += value_size(value)
        else:
            total += len(text) if text.isascii() else len(text.encode())
    return total


def value_size(value: Mapping[str, Any]) -> int:
    """Bytes of a value in normal form."""
    kind, inner = next(iter(value.items()))
    if kind == "S":
        return text_size(inner)
    if kind == "N":
        return numbers.storage(inner)
    if kind == "B":
        return binary_size(inner)
    if kind == "M":
        return 3 + len(inner) + size(inner)
    if kind == "L":
        return 3 + len(inner) + sum(map(value_size, inner))
    if kind == "SS":
        return sum(map(text_size, inner))
    if kind == "NS":
        return sum(map(numbers.storage, inner))
    if kind == "BS":
        return sum(map(binary_size, inner))
    return 1


def text_size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def binary_size(text: str) -> int:
    """Bytes behind canonical base64."""
    return len(text) // 4 * 3 - text.count("=", -2)
