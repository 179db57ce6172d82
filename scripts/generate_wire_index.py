"""Write the generated data of src/tule/wire/data.  Run after botocore was upgraded.

index.json    from the botocore models: whose request is it
unicode.json  from Python's Unicode database: what `\\p{L}` means in the models' patterns
"""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from tule.wire.models import SERVICES, Models

DATA = Path(__file__).parent.parent / "src" / "tule" / "wire" / "data"
CATEGORIES = ("L", "M", "N", "P", "S", "Z", "Zs")


def index() -> dict[str, Any]:
    models = Models()
    found: dict[str, Any] = {name: {} for name in ("target_prefixes", "versions", "rpc_names", "protocols")}
    signing: dict[str, list[str]] = defaultdict(list)
    segments: dict[str, list[str]] = defaultdict(list)
    for name in SERVICES:
        model = models.service(name)
        metadata = model.metadata
        found["protocols"][name] = model.protocol
        signing[metadata.get("signingName", metadata["endpointPrefix"])].append(name)
        if prefix := metadata.get("targetPrefix"):
            found["target_prefixes"][prefix] = name
            found["rpc_names"][prefix] = name
        if {"query", "ec2"} & set(model.protocols):
            found["versions"][metadata["apiVersion"]] = name
        if model.protocol.startswith("rest-") and name != "s3":
            for segment in sorted({operation["http"]["requestUri"].split("?")[0].split("/")[1] for operation in model.operations.values()}):
                segments[segment].append(name)
    return {**found, "signing_names": signing, "first_segments": segments}


def unicode_classes() -> dict[str, str]:
    """The characters of each category, written as the inside of a regular expression's character class."""
    categories = [unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1)] + [""]
    return {category: _ranges(category, categories) for category in CATEGORIES}


def _ranges(category: str, categories: list[str]) -> str:
    ranges: list[str] = []
    start: int | None = None
    for code, found in enumerate(categories):
        if found.startswith(category) and start is None:
            start = code
        elif not found.startswith(category) and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)


def write(name: str, value: Any) -> None:
    (DATA / name).write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    write("index.json", index())
    write("unicode.json", unicode_classes())
