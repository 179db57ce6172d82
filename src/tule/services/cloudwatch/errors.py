"""CloudWatch's refusals, by the codes of its query protocol."""

from __future__ import annotations

from tule.core.errors import ServiceError


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)


def combination(message: str) -> ServiceError:
    return ServiceError("InvalidParameterCombination", message)


def missing(message: str) -> ServiceError:
    return ServiceError("MissingParameter", message)


def exclusive(first: str, second: str) -> ServiceError:
    return combination(f"The parameters {first} and {second} are mutually exclusive and you have specified both.")


def bad_token() -> ServiceError:
    return ServiceError("InvalidNextToken", "The next token specified is invalid.")
