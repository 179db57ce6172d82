"""Write src/tule/wire/data/index.json from the installed botocore models.  Run after botocore was upgraded."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from tule.wire.models import SERVICES, Models

TARGET = Path(__file__).parent.parent / "src" / "tule" / "wire" / "data" / "index.json"


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


if __name__ == "__main__":
    TARGET.write_bytes(orjson.dumps(index(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
