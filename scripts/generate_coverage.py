"""Writes docs/coverage.md from the code: every operation of every service, built or not, and what its truth rests on.

scripts/generate_coverage.py           writes it
scripts/generate_coverage.py --check   fails when it is not what the code says
"""

from __future__ import annotations

import sys
from pathlib import Path

from tule.platform.service import Service
from tule.services import all_rooms
from tule.wire.models import SERVICES, Models

PAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
HEAD = """# Coverage

Generated from the code by `make coverage`; do not edit. An operation that is not built answers HTTP 501 `NotImplemented`, naming itself.

What an operation's truth rests on: **recorded** (answers recorded from AWS were read, and its behaviour is tested against what they show),
**documentation** (AWS's API reference and developer guides), **model** (botocore's model alone: shapes, constraints, errors; all that is not
built is at least parsed, validated and refused by it).

"""


def page() -> str:
    built = {room.name: room.load() for room in all_rooms()}
    models = Models()
    rows = [_row(name, models, built.get(name)) for name in sorted(SERVICES)]
    parts = [HEAD, "| service | protocols | operations | built |\n| --- | --- | ---: | ---: |\n", *(row for row, _ in rows)]
    parts.append("\n## Resource types\n\n")
    types = sorted(kind.name for service in built.values() for kind in service.resource_types)
    parts += [f"- `{name}`\n" for name in types]
    parts += [section for _, section in rows]
    return "".join(parts)


def _row(name: str, models: Models, service: Service | None) -> tuple[str, str]:
    model = models.service(name)
    operations = sorted(model.operations)
    done = service.operations if service is not None else {}
    row = f"| {name} | {', '.join(model.protocols)} | {len(operations)} | {sum(o in done for o in operations)} |\n"
    if service is None:
        return row, ""
    lines = [f"| {o} | {'yes' if o in done else 'no'} | {_basis(service, o) if o in done else 'model'} |\n" for o in operations]
    unmodelled = sorted(set(done) - set(operations))
    lines += [f"| {o} (not in the model) | yes | documentation |\n" for o in unmodelled]
    return row, f"\n## {name}\n\n| operation | built | rests on |\n| --- | --- | --- |\n" + "".join(lines)


def _basis(service: Service, operation: str) -> str:
    return "recorded" if operation in service.recorded else "documentation"


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit("docs/coverage.md is not what the code says; run: make coverage")
        return
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
