"""HTTP parameters of connections and of targets: headers, query strings, members of the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode


def pairs(parameters: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """`[{"Key": k, "Value": v}]`, as connections have them."""
    return {parameter["Key"]: parameter.get("Value", "") for parameter in parameters or () if "Key" in parameter}


def with_query(url: str, query: Mapping[str, str]) -> str:
    """What the URL has already stays before it."""
    if not query:
        return url
    return url + ("&" if "?" in url else "?") + urlencode(query)


def with_path(url: str, values: Sequence[str]) -> str:
    """Each `*` of the URL replaced by the next value; what is left over is dropped."""
    for value in values:
        url = url.replace("*", quote(value, safe=""), 1)
    return url
