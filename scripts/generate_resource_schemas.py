"""Reduce cfn-lint's resource schemas (MIT-0) to what Tule needs, and write them into the CloudFormation service.

    pip download cfn-lint --no-deps -d DIR && python scripts/generate_resource_schemas.py DIR/cfn_lint-*.whl

The result is a zip with one member per namespace (`AWS/Lambda.json`: type name to schema) and `index.json` (the version
of the data and all type names).  Prose, handlers and examples are dropped; what validates, and what says how a resource
is identified and updated, is kept.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/tule/services/cloudformation/data/resource_schemas.zip"
REGION = "us-east-1"
SCHEMAS = "cfnlint/data/schemas"
DROPPED = frozenset(
    {
        "description", "handlers", "examples", "sourceUrl", "documentationUrl", "title", "$comment", "$schema", "default", "lifecycle",
        "insertionOrder", "propertyTransform", "relationshipRef", "replacementStrategy", "resourceLink", "templateUri", "typeName",
        "deprecatedProperties", "nonPublicProperties", "nonPublicDefinitions", "typeConfiguration", "additionalIdentifiers", "arrayType",
        "uniqueKeys", "$id", "format",
    }
)  # fmt: skip
MAPS_OF_SCHEMAS = frozenset({"properties", "definitions", "patternProperties"})
FIXED_TIME = (2020, 1, 1, 0, 0, 0)  # so that the same data gives the same file


def reduced(schema: Any) -> Any:
    if isinstance(schema, list):
        return [reduced(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in MAPS_OF_SCHEMAS and isinstance(value, dict):
            kept[key] = {name: reduced(inner) for name, inner in value.items()}
        elif key == "tagging" and isinstance(value, dict):
            kept[key] = {k: v for k, v in value.items() if k in ("taggable", "tagProperty", "cloudFormationSystemTags")}
        elif key not in DROPPED:
            kept[key] = reduced(value)
    return kept


def read_schemas(wheel: zipfile.ZipFile) -> dict[str, dict[str, Any]]:
    names = json.loads(wheel.read(f"{SCHEMAS}/providers/{REGION}.json"))
    found = {name: json.loads(wheel.read(f"{SCHEMAS}/resources/{digest}.json")) for name, digest in names.items()}
    return {name: reduced(schema) for name, schema in sorted(found.items()) if name.count("::") == 2}


def write(schemas: dict[str, dict[str, Any]], source: str, date: str) -> None:
    by_namespace: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, schema in schemas.items():
        vendor, service, _ = name.split("::")
        by_namespace[f"{vendor}/{service}.json"][name] = schema
    members = {"index.json": {"source": source, "date": date, "types": sorted(schemas)}, **by_namespace}
    with zipfile.ZipFile(TARGET, "w") as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, FIXED_TIME)
            entry.compress_type = zipfile.ZIP_LZMA
            archive.writestr(entry, json.dumps(content, separators=(",", ":"), sort_keys=True))


def main() -> None:
    path = Path(sys.argv[1])
    with zipfile.ZipFile(path) as wheel:
        schemas = read_schemas(wheel)
        date = json.loads(wheel.read(f"{SCHEMAS}/version.json"))["schema_date"]
    write(schemas, "-".join(path.name.split("-")[:2]), date)
    print(f"{len(schemas)} types, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
