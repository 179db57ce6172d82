"""AWS's own managed policies, with their true documents (`data/`, made by `scripts/generate_managed_policies.py`).

Loaded when the first one is asked for: 1,600 policies, 3 MB, some 20 ms.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import lzma
from datetime import datetime
from importlib import resources
from typing import Any

import orjson

_FILE = "managed_policies.json.xz"


def find(arn: str) -> dict[str, Any] | None:
    """In the form in which customers' policies are kept, with their `arn`."""
    row = _rows().get(arn)
    return None if row is None else _policy(*row)


def every_policy() -> list[dict[str, Any]]:
    return [_policy(*row) for row in _rows().values()]


@functools.cache
def _rows() -> dict[str, tuple[str, str, str, str, str]]:
    packed = resources.files("tule.services.iam").joinpath("data", _FILE).read_bytes()
    return {row[0]: tuple(row) for row in orjson.loads(lzma.decompress(packed))}


def _policy(arn: str, version: str, created: str, updated: str, document: str) -> dict[str, Any]:
    path, _, name = arn.partition(":policy")[2].rpartition("/")
    updated_ms = _ms(updated)
    return {
        "arn": arn,
        "name": name,
        "path": path + "/",
        "id": "ANPA" + base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode()[:17],
        "default": version,
        "created_ms": _ms(created),
        "updated_ms": updated_ms,
        "versions": [{"id": version, "text": document, "created_ms": updated_ms}],
    }


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
