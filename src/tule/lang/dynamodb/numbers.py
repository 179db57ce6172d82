"""DynamoDB's numbers: decimals of up to 38 significant digits between 1E-130 and 9.99...E+125, kept as canonical text.

Canonical is plain decimal notation without sign plus, exponent, leading or trailing zeros: two numbers are equal when their
texts are.  AWS: Developer Guide, "Data types", Number.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb.layers import Layered

DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130

is_plain_integer = re.compile(r"(?:0|-?[1-9][0-9]{0,37})\Z").match  # a canonical text already
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?\Z", re.ASCII)
_EXACT = Context(prec=400, Emax=10_000, Emin=-10_000)
_FAR = 2**63  # the first exponent that does not fit into 64 bits

Parts = tuple[bool, str, int]  # whether negative, significant digits, power of ten of the last digit


def canonical(text: str) -> str:
    """The one text of this number; raises ValidationException for what is no number or beyond the limits."""
    if is_plain_integer(text):
        return text
    return _plain(_parts(text))


def add(left: str, right: str) -> str:
    """The sum of two canonical numbers, exact; refused when 38 digits or the range do not hold it."""
    return _result(_EXACT.add(_decimal(left), _decimal(right)))


def subtract(left: str, right: str) -> str:
    """The difference of two canonical numbers, exact like `add`."""
    return _result(_EXACT.subtract(_decimal(left), _decimal(right)))


def compare(left: str, right: str) -> int:
    """Negative, zero or positive, like the order of the two canonical numbers."""
    if left == right:
        return 0
    return -1 if _decimal(left) < _decimal(right) else 1


@lru_cache(maxsize=4096)
def sortable(text: str) -> bytes:
    """Bytes in the order of the numbers; no number's bytes begin with another's.

    A byte for the sign, one for the power of ten of the first digit, then the digits two by two and an end mark; all
    complemented for negative numbers, so that larger magnitudes come first.
    """
    negative, digits, exponent = _parts(text)
    if digits == "0":
        return b"\x80"
    magnitude = exponent + len(digits) - 1
    if len(digits) % 2:
        digits += "0"
    body = bytes([magnitude - SMALLEST_EXPONENT, *(int(digits[i : i + 2]) + 1 for i in range(0, len(digits), 2)), 0])
    return b"\x40" + bytes(255 - byte for byte in body) if negative else b"\xc0" + body


@lru_cache(maxsize=4096)
def storage(text: str) -> int:
    """Bytes that a canonical number counts for: one, one for every two significant digits before the point and for every two
    after it, and one for a sign.  (Measured at AWS; the guide's rule of thumb does not part the digits at the point.)
    """
    digits = text.lstrip("-")
    if "." not in digits:
        significant = len(digits.rstrip("0"))
        return 1 + (significant + 1) // 2 + text.startswith("-")
    whole, _, fraction = digits.partition(".")
    before, after = len(whole.lstrip("0")), len(fraction if whole != "0" else fraction.lstrip("0"))
    return 1 + (before + 1) // 2 + (after + 1) // 2 + text.startswith("-")


def not_numeric(text: str) -> ServiceError:
    """The text is no number at all."""
    if not text:
        return Layered("The parameter cannot be converted to a numeric value", "The parameter cannot be converted to a numeric value: ")
    return validation(f"The parameter cannot be converted to a numeric value: {text}")


def overflow() -> ServiceError:
    """The magnitude is too large; also what DynamoDB says of a sum that needs more than 38 digits."""
    return validation("Number overflow. Attempting to store a number with magnitude larger than supported range")


def underflow() -> ServiceError:
    """The magnitude is too small, and not zero."""
    return validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")


def too_precise() -> ServiceError:
    """More than 38 significant digits."""
    return validation("Attempting to store more than 38 significant digits in a Number")


def _parts(text: str) -> Parts:
    match = _NUMBER.match(text)
    if match is None:
        raise not_numeric(text)
    sign, whole, fraction, bare_fraction, power = match.groups()
    written = fraction or bare_fraction or ""
    exponent = _power(text, power)
    fraction = written.rstrip("0")
    digits = ((whole or "") + fraction).lstrip("0")
    if not digits:
        _check_magnitude(exponent - len(written))  # zero has the magnitude that it is written with
        return False, "0", 0
    significant = digits.rstrip("0")
    exponent += len(digits) - len(fraction) - len(significant)
    if len(significant) > DIGITS:
        raise too_precise()
    _check_magnitude(exponent + len(significant) - 1)
    return sign == "-", significant, exponent


def _power(text: str, power: str | None) -> int:
    """The exponent; one beyond 64 bits makes the text no number."""
    if not power:
        return 0
    exponent = int(power) if len(power) <= 20 else _FAR
    if not -_FAR < exponent < _FAR:
        raise not_numeric(text)
    return exponent


def _check_magnitude(magnitude: int) -> None:
    if magnitude > LARGEST_EXPONENT:
        raise overflow()
    if magnitude < SMALLEST_EXPONENT:
        raise underflow()


def _plain(parts: Parts) -> str:
    negative, digits, exponent = parts
    sign = "-" if negative else ""
    if exponent >= 0:
        return f"{sign}{digits}{'0' * exponent}"
    if -exponent < len(digits):
        return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
    return f"{sign}0.{'0' * (-exponent - len(digits))}{digits}"


@lru_cache(maxsize=4096)
def _decimal(text: str) -> Decimal:
    return Decimal(text)


def _result(value: Decimal) -> str:
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    significant = text.rstrip("0")
    power = int(exponent) + len(text) - len(significant)
    if len(significant) > DIGITS:
        raise overflow()
    _check_magnitude(power + len(significant) - 1)
    return _plain((bool(sign), significant, power))
