"""Whether a policy lets anybody use a service at all, whatever resource and condition."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any


def grants(document: dict[str, Any], namespace: str) -> bool:
    """`namespace` is the part of actions before the colon: `s3`."""
    statements = document.get("Statement", [])
    return any(_grants(one, namespace) for one in ([statements] if isinstance(statements, dict) else statements))


def _grants(statement: dict[str, Any], namespace: str) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotAction" in statement:
        return not any(_covers(pattern, namespace) for pattern in _texts(statement["NotAction"]))
    return any(_touches(pattern, namespace) for pattern in _texts(statement.get("Action", [])))


def _touches(pattern: str, namespace: str) -> bool:
    """Some action of the service matches."""
    service, colon, _ = pattern.lower().partition(":")
    return pattern == "*" or (bool(colon) and fnmatchcase(namespace.lower(), service))


def _covers(pattern: str, namespace: str) -> bool:
    """Every action of the service matches."""
    service, _, action = pattern.lower().partition(":")
    return pattern == "*" or (action == "*" and fnmatchcase(namespace.lower(), service))


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
