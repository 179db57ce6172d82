"""What is wrong with a query, or with what it reads."""

from __future__ import annotations


class SelectFailed(Exception):
    """`code` is S3's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unexpected(token: str, wanted: str = "") -> SelectFailed:
    expected = f" Expected {wanted}." if wanted else ""
    return SelectFailed("ParseUnexpectedToken", f"Unexpected token found {token or 'end of expression'}.{expected}")
