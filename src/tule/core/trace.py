"""The X-Amzn-Trace-Id header: which request an invocation belongs to, and which functions it has been through.

    Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1;Lineage=a87bd80c:1|68fd508a:5

`Root` is the trace, `Parent` the segment that calls, `Sampled` whether it is recorded.  `Lineage` counts how often each
function (by a hash of its ARN) was invoked for the sake of this request: services pass the header on, with messages and
events, so that a function that triggers itself is noticed.
AWS: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from tule.core.ids import Ids

MAX_LINEAGE = 32  # functions that a header remembers; more would make it grow without end


@dataclass(slots=True, frozen=True)
class Trace:
    """A header's fields; `sampled` is `0`, `1`, `?` or empty, `lineage` pairs of hash and count, the latest last."""

    root: str
    parent: str = ""
    sampled: str = ""
    lineage: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        fields = [f"Root={self.root}"]
        if self.parent:
            fields.append(f"Parent={self.parent}")
        if self.sampled:
            fields.append(f"Sampled={self.sampled}")
        if self.lineage:
            fields.append("Lineage=" + "|".join(f"{name}:{count}" for name, count in self.lineage))
        return ";".join(fields)

    def count(self, arn: str) -> int:
        """How often the function of this ARN was invoked on the way here."""
        name = mark(arn)
        return next((count for known, count in self.lineage if known == name), 0)

    def through(self, arn: str, parent: str, sampled: str) -> Trace:
        """The trace that the function of this ARN is given: one more round through it, and a segment of its own."""
        name, count = mark(arn), self.count(arn) + 1
        others = tuple(pair for pair in self.lineage if pair[0] != name)
        return Trace(self.root, parent, sampled, (*others, (name, count))[-MAX_LINEAGE:])


def begin(ids: Ids, now_ms: int) -> Trace:
    """A trace that begins here, of which nobody has said whether it is recorded."""
    return Trace(f"1-{now_ms // 1000:08x}-{ids.hex(24)}")


def parse(header: str | None) -> Trace | None:
    """None where there is no header, or one without a root (clients may send anything)."""
    if not header:
        return None
    fields: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.partition("=")
        fields[name.strip().lower()] = value.strip()
    root = fields.get("root", "")
    return Trace(root, fields.get("parent", ""), fields.get("sampled", ""), _lineage(fields.get("lineage", ""))) if root else None


def _lineage(text: str) -> tuple[tuple[str, int], ...]:
    pairs: list[tuple[str, int]] = []
    for pair in text.split("|"):
        name, _, count = pair.partition(":")
        if name and count.isascii() and count.isdigit():
            pairs.append((name, int(count)))
    return tuple(pairs[-MAX_LINEAGE:])


def mark(arn: str) -> str:
    """Eight hexadecimal digits that stand for an ARN in `Lineage`."""
    return f"{zlib.crc32(arn.encode()):08x}"
