"""What sensitive data looks like: AWS's managed data identifiers, by pattern and check digits, and customers' own.

Names, addresses and what else only a trained model or a keyword nearby tells apart are not found.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-data-protection-managed-data-identifiers.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tule.lang.flat_regex import FlatRegex

MAX_REGEX_CHARS = 200
ARN_PREFIX = "arn:aws:dataprotection::aws:data-identifier/"


class Identifier(NamedTuple):
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] | None = None
    occurs: Callable[[str], bool] | None = None  # in time that no expression can make explode

    def spans(self, text: str) -> list[tuple[int, int]]:
        if self.occurs is not None and not self.occurs(text):
            return []
        return [found.span() for found in self.pattern.finditer(text) if self.holds is None or self.holds(found[0])]


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def _luhn(text: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(_digits(text))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _iban(text: str) -> bool:
    plain = re.sub(r"[\s-]", "", text).upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "12345678123457923456789" + "0123456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _vin(text: str) -> bool:
    rest = sum(_VIN_VALUES[char] * weight for char, weight in zip(text, _VIN_WEIGHTS, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def _block(name: str) -> Identifier:
    return Identifier(re.compile(f"-----BEGIN {name}-----.*?-----END {name}-----", re.DOTALL))


def _bank(country: str, length: int) -> Identifier:
    return Identifier(re.compile(rf"\b{country}\d\d(?:[ -]?[A-Z0-9]){{{length - 4}}}\b"), _iban)


_V4 = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V6 = r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}"
_MANAGED: Mapping[str, Identifier] = {
    "AwsSecretKey": Identifier(re.compile(r"(?<![A-Za-z0-9/+=])(?=[^\s]*[/+0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")),
    "BankAccountNumber-DE": _bank("DE", 22),
    "BankAccountNumber-ES": _bank("ES", 24),
    "BankAccountNumber-FR": _bank("FR", 27),
    "BankAccountNumber-GB": _bank("GB", 22),
    "BankAccountNumber-IT": _bank("IT", 27),
    "CreditCardNumber": Identifier(re.compile(r"(?<![\d-])(?:\d[ -]?){12,18}\d(?![\d-])"), _luhn),
    "EmailAddress": Identifier(re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")),
    "IpAddress": Identifier(re.compile(rf"(?<![\d.]){_V4}(?:\.{_V4}){{3}}(?![\d.])|(?<![\w:])(?:{_V6})(?![\w:])")),
    "LatLong": Identifier(re.compile(r"(?<![\d.])[-+]?(?:90(?:\.0+)?|[1-8]?\d\.\d+),\s*[-+]?(?:180(?:\.0+)?|(?:1[0-7]\d|\d?\d)\.\d+)(?![\d.])")),
    "OpenSshPrivateKey": _block("OPENSSH PRIVATE KEY"),
    "PgpPrivateKey": _block("PGP PRIVATE KEY BLOCK"),
    "PhoneNumber-US": Identifier(re.compile(r"(?<![\w-])(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\w-])")),
    "PkcsPrivateKey": Identifier(
        re.compile(r"-----BEGIN (?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----.*?-----END (?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----", re.DOTALL)
    ),
    "PuttyPrivateKey": Identifier(re.compile(r"PuTTY-User-Key-File-\d:.*?Private-MAC: [0-9a-f]+", re.DOTALL)),
    "Ssn-US": Identifier(re.compile(r"(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\w-])")),
    "VehicleIdentificationNumber": Identifier(re.compile(r"\b(?=[A-Z]*\d)[A-HJ-NPR-Z0-9]{17}\b"), _vin),
}


def managed(name: str) -> Identifier | None:
    """Of AWS's, by the last part of its ARN."""
    return _MANAGED.get(name)


def custom(regex: str) -> Identifier:
    """A customer's own: of at most 200 characters, without groups.  Raises ValueError."""
    if len(regex) > MAX_REGEX_CHARS:
        raise ValueError(f"longer than {MAX_REGEX_CHARS} characters")
    occurs = FlatRegex(regex)
    return Identifier(re.compile(regex), occurs=occurs.found_in)
