"""From an operation's parameters to the ARNs of the resources that it touches.

A template is an ARN with `{path}` in it: `{TableName}`, `{TransactItems[].Put.TableName}` (one resource for each value),
`{RequestItems[]}` (of a map: its keys), `{EventBusName|default}`.  A colon says how the name is dressed: `function` (name,
partial or full ARN, with or without qualifier), `queue` (a queue's URL), `last` (after the last slash), `bare` (without a
leading slash), `source` (S3's CopySource).  A parameter that holds a full ARN stands for the whole resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from tule.core.arn import partition_of

_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_MAX_VALUES = 1_000


@lru_cache(maxsize=65_536)
def _parts(template: str, account: str, region: str) -> tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], str, str | None], ...]]:
    """The texts between the placeholders, and for each placeholder its path, its dress and its default."""
    text = template.replace("{partition}", partition_of(region)).replace("{region}", region).replace("{account}", account)
    pieces = _PLACEHOLDER.split(text)
    placeholders: list[tuple[tuple[str, ...], str, str | None]] = []
    for inside in pieces[1::2]:
        path, _, default = inside.partition("|")
        path, _, dress = path.partition(":")
        placeholders.append((tuple(path.split(".")), dress, default or None))
    return tuple(pieces[0::2]), tuple(placeholders)


def resources(template: str, params: Mapping[str, Any], account: str, region: str) -> tuple[list[str], bool]:
    """The ARNs, and whether all parameters were there: a missing one leaves `*` in its place."""
    texts, placeholders = _parts(template, account, region)
    found = [texts[0]]
    complete = True
    for text, (path, dress, default) in zip(texts[1:], placeholders, strict=True):
        values = _values(params, path) or ([default] if default is not None else [])
        complete = complete and bool(values)
        whole = [_undressed_arn(value, dress) for value in values if value.startswith("arn:")]
        if whole and len(whole) == len(values):
            return whole, complete
        names = [_undressed(value, dress) for value in values] or ["*"]
        found = [start + name + text for start in found for name in names][:_MAX_VALUES]
    return found, complete


def values_at(params: Mapping[str, Any], path: str) -> list[Any]:
    """Whatever stands at a path such as `TransactItems[].Put`."""
    return _walk([params], tuple(path.split(".")))


def _values(params: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    if len(path) == 1 and isinstance(value := params.get(path[0]), str):
        return [value] if value else []
    return [value for value in _walk([params], path) if isinstance(value, str) and value]


def _walk(values: list[Any], path: tuple[str, ...]) -> list[Any]:
    for step in path:
        name = step.removesuffix("[]")
        found = [value[name] for value in values if isinstance(value, Mapping) and name in value]
        if step.endswith("[]"):
            found = [item for value in found for item in value]
        values = found[:_MAX_VALUES]
    return values


def _undressed_arn(value: str, dress: str) -> str:
    if dress == "function":
        return ":".join(value.split(":")[:7])
    return value


def _undressed(value: str, dress: str) -> str:
    match dress:
        case "function":
            parts = value.split(":")
            return parts[parts.index("function") + 1] if "function" in parts[:-1] else parts[0]
        case "queue" | "last":
            return value.rstrip("/").rpartition("/")[2]
        case "bare":
            return value.removeprefix("/")
        case "source":
            return unquote(value.split("?")[0]).removeprefix("/")
        case _:
            return value
