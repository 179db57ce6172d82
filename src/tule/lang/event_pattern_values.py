"""What an event pattern asks of one value: `"a"`, `{"prefix": "a"}`, `{"numeric": [">", 0]}` and so on.

A test is a function of a value as JSON gives it: text, number, True, False or None.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

Value = str | int | float | bool | None
Test = Callable[[Value], bool]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_ESCAPES = "*\\"


class InvalidValue(ValueError):
    """What cannot be asked for."""


def is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def prefix(text: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(text)


def suffix(text: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(text)


def prefix_ignoring_case(text: str) -> Test:
    lowered = text.lower()
    return lambda value: isinstance(value, str) and value.lower().startswith(lowered)


def suffix_ignoring_case(text: str) -> Test:
    lowered = text.lower()
    return lambda value: isinstance(value, str) and value.lower().endswith(lowered)


def equals_ignoring_case(text: str) -> Test:
    lowered = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == lowered


def equals_text(texts: frozenset[str]) -> Test:
    return lambda value: isinstance(value, str) and value in texts


def equals_number(numbers: frozenset[int | float]) -> Test:
    return lambda value: is_number(value) and value in numbers


def nothing_of(tests: Sequence[Test]) -> Test:
    """`anything-but`: any value that is there, of whatever type, and passes none of the tests."""
    return lambda value: not any(test(value) for test in tests)


def number(text: str) -> int | float:
    """A number that can be compared.  Raises InvalidValue for one that a double cannot hold exactly as it is written."""
    try:
        exact = Decimal(text)
        near = float(text)
        if Decimal(repr(near)) != exact:
            raise InvalidValue(f"Cannot compare number : {text}")
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise InvalidValue(f"Cannot compare number : {text}") from error
    return near


def plain_number(text: str) -> int | float:
    """The number as a JSON parser gives it."""
    return int(text) if text.lstrip("-").isdigit() else float(text)


def between(bottom: float | None, top: float | None, *, above: bool = False, below: bool = False) -> Test:
    """`above` and `below` leave the bounds themselves out.  Raises InvalidValue for an empty range."""
    if bottom is not None and top is not None and bottom >= top:
        raise InvalidValue("Bottom must be less than top")

    def test(value: Value) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        if bottom is not None and (value < bottom or (above and value == bottom)):
            return False
        return top is None or (value < top or (value == top and not below))

    return test


def address(text: str) -> Address | None:
    """What looks like an IP address and is one; leading zeros do not matter."""
    try:
        if _IPV4.fullmatch(text):
            return ipaddress.IPv4Address(".".join(str(int(part)) for part in text.split(".")))
        if _IPV6.fullmatch(text):
            return ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return None


def same_address(wanted: Address) -> Test:
    """An IP address in a pattern is found however it is written in the event."""
    return lambda value: isinstance(value, str) and address(value) == wanted


def cidr(text: str) -> Test:
    """Raises InvalidValue."""
    base, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        raise InvalidValue("Malformed CIDR, one '/' required")
    try:
        length = int(bits)
    except ValueError as error:
        raise InvalidValue("Malformed CIDR, mask bits must be an integer") from error
    if length < 0:
        raise InvalidValue("Malformed CIDR, mask bits must not be negative")
    first = address(base)
    if first is None:
        raise InvalidValue(f"Nonstandard IP address: {base}")
    if length >= first.max_prefixlen:
        raise InvalidValue(f"IPv{first.version} mask bits must be < {first.max_prefixlen}")
    network = ipaddress.ip_network((first, length), strict=False)
    return lambda value: isinstance(value, str) and (found := address(value)) is not None and found.version == first.version and found in network


def wildcard(text: str) -> Test:
    """`*` stands for any characters, `\\*` and `\\\\` for themselves.  Raises InvalidValue."""
    parts = _wildcard_parts(text)
    if len(parts) == 1:
        return equals_text(frozenset(parts))
    return lambda value: isinstance(value, str) and _fits(parts, value)


def _wildcard_parts(text: str) -> list[str]:
    """The literal parts around the wildcards.  Positions in refusals count from the quote that begins the value."""
    parts = [""]
    i = 0
    while i < len(text):
        char, after = text[i], text[i + 1 : i + 2]
        if char == "*":
            if after == "*":
                raise InvalidValue(f"Consecutive wildcard characters at pos {_bytes_before(text, i)}")
            parts.append("")
        elif char == "\\":
            if not after or after not in _ESCAPES:
                raise InvalidValue(f"Invalid escape character at pos {_bytes_before(text, i)}")
            parts[-1] += after
            i += 1
        else:
            parts[-1] += char
        i += 1
    return parts


def _bytes_before(text: str, i: int) -> int:
    return len(text[:i].encode()) + 1


def _fits(parts: Sequence[str], value: str) -> bool:
    """Each middle part where it is first found: in time that grows with the value, however many wildcards there are."""
    first, last = parts[0], parts[-1]
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in parts[1:-1]:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
