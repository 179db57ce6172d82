"""ExpressionAttributeNames and ExpressionAttributeValues of a request, and which of them its expressions used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import values as attribute_values
from tule.lang.dynamodb.layers import Layered
from tule.lang.dynamodb.numbers import is_plain_integer
from tule.lang.dynamodb.values import Value

NAMES = "ExpressionAttributeNames"
VALUES = "ExpressionAttributeValues"
LONGEST_NAME = 65535  # bytes of an attribute's name
LONGEST_KEY = 255  # bytes of a placeholder, with its # or :

_NONE: Mapping[str, Any] = {}
_NO_NAMES: frozenset[str] = frozenset()
_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+\Z")
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+\Z")


class Placeholders:
    """What `#name` and `:value` mean in a request's expressions.

    `key` identifies the names in caches of compiled expressions.
    """

    __slots__ = ("_used_names", "_used_values", "key", "names", "values")

    def __init__(self, names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None) -> None:
        self.names: Mapping[str, str] = names or _NONE
        self.values: Mapping[str, Value] = values or _NONE
        self.key = tuple(names.items()) if names else ()
        self._used_names: set[str] | frozenset[str] = _NO_NAMES
        self._used_values: set[str] | frozenset[str] = _NO_NAMES

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Placeholders:
        """Those of a request's parameters, checked; values come out in normal form."""
        names, values = params.get(NAMES), params.get(VALUES)
        found = cls(names, None if values is None else _normal_values(values))
        if names is not None:
            _check_names(found.key)
        return found

    def use(self, names: frozenset[str], values: frozenset[str]) -> None:
        """Note what an expression needed."""
        self._used_names = self._used_names | names if self._used_names else names
        self._used_values = self._used_values | values if self._used_values else values

    def check_all_used(self) -> None:
        """Refuse names and values that no expression needed."""
        if len(self._used_names) < len(self.names):
            unused = [name for name in self.names if name not in self._used_names]
            raise validation(f"Value provided in ExpressionAttributeNames unused in expressions: keys: {{{', '.join(unused)}}}")
        if len(self._used_values) < len(self.values):
            unused = [name for name in self.values if name not in self._used_values]
            raise validation(f"Value provided in ExpressionAttributeValues unused in expressions: keys: {{{', '.join(unused)}}}")


@lru_cache(maxsize=2048)
def _check_names(names: tuple[tuple[str, str], ...]) -> None:
    if not names:
        raise validation("ExpressionAttributeNames must not be empty")
    for key, name in names:
        if not _NAME_KEY.match(key):
            raise validation(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"')
        if len(key) > LONGEST_KEY:
            raise validation(f"ExpressionAttributeNames contains invalid key: The expression attribute name is too long; key: {key}")
        if not name:
            raise validation(f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}")
        if len(name) > LONGEST_NAME or (not name.isascii() and len(name.encode()) > LONGEST_NAME):
            raise validation(f"ExpressionAttributeNames contains invalid value: Attribute name must be at most {LONGEST_NAME} bytes for key {key}")


def _normal_values(values: Mapping[str, Any]) -> dict[str, Value]:
    if not values:
        raise validation("ExpressionAttributeValues must not be empty")
    _check_value_keys(tuple(values))
    return {key: _normal_value(key, value) for key, value in values.items()}


@lru_cache(maxsize=2048)
def _check_value_keys(keys: tuple[str, ...]) -> None:
    for key in keys:
        if not _VALUE_KEY.match(key):
            raise validation(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"')
        if len(key) > LONGEST_KEY:
            raise validation(f"ExpressionAttributeValues contains invalid key: The expression attribute value is too long; key: {key}")


def _normal_value(key: str, value: Any) -> Value:
    if type(value) is dict and len(value) == 1:
        ((kind, inner),) = value.items()
        if type(inner) is str and (kind == "S" or (kind == "N" and is_plain_integer(inner))):
            return value
    try:
        return attribute_values.check(value)
    except ServiceError as error:
        if error.code != "ValidationException":
            raise
        wrapped = f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
        raise Layered(wrapped, error.current if isinstance(error, Layered) else error.message) from None
