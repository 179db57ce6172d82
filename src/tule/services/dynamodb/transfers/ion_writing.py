"""Items as Amazon Ion text, as exports write them.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html (sets are annotated lists)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_KEYWORDS = frozenset({"null", "true", "false", "nan"})

Item = Mapping[str, Any]


def struct(members: Mapping[str, str]) -> str:
    """Of values that are Ion already."""
    return "{" + ",".join(f"{symbol(name)}:{value}" for name, value in members.items()) + "}"


def item(attributes: Item) -> str:
    return struct({name: value(one) for name, one in attributes.items()})


def value(given: Mapping[str, Any]) -> str:
    """An attribute value."""
    ((kind, inner),) = given.items()
    if kind == "S":
        return text(inner)
    if kind == "N":
        return number(inner)
    if kind == "B":
        return blob(inner)
    if kind == "BOOL":
        return "true" if inner else "false"
    if kind == "NULL":
        return "null"
    if kind == "M":
        return item(inner)
    if kind == "L":
        return f"[{','.join(value(one) for one in inner)}]"
    write = {"SS": text, "NS": number, "BS": blob}[kind]
    return f"$dynamodb_{kind}::[{','.join(write(one) for one in inner)}]"


def symbol(name: str) -> str:
    if _PLAIN.match(name) and name not in _KEYWORDS:
        return name
    return "'" + orjson.dumps(name).decode()[1:-1].replace("'", "\\'").replace('\\"', '"') + "'"


def text(given: str) -> str:
    return orjson.dumps(given).decode()


def blob(base64_text: str) -> str:
    return "{{" + base64_text + "}}"


def number(canonical: str) -> str:
    """A decimal: `8.5`, `6.`, `2d3`."""
    if "." in canonical:
        return canonical
    figures = canonical.rstrip("0")
    if figures in ("", "-"):
        return "0."
    zeros = len(canonical) - len(figures)
    return f"{figures}d{zeros}" if zeros else f"{figures}."
