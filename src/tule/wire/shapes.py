"""Shapes of a model, with the traits of the place where they stand merged over their own.

A `Shape` is a plain dict: `shape` is its name, `type` its kind, the rest its traits (`locationName`, `flattened`,
`min`, `pattern` ...).  Merging them is what botocore's own ShapeResolver does, so names come out the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = dict[str, Any]

ANSWER_LOCATIONS = frozenset(("header", "headers", "statusCode"))
"""Where members of an answer stand that are not in its body."""


class Shapes:
    def __init__(self, raw: Mapping[str, Shape]) -> None:
        self._raw = raw

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def at(self, reference: Mapping[str, Any]) -> Shape:
        """The shape that a member, list or map refers to, seen from there."""
        return {**self._raw[reference["shape"]], **reference}

    def named(self, name: str) -> Shape:
        return {**self._raw[name], "shape": name}

    def members(self, structure: Shape) -> dict[str, Shape]:
        return {name: self.at(reference) for name, reference in structure["members"].items()}

    def below(self, shape: Shape) -> list[str]:
        """Names of the shapes that its members, key or values have."""
        return [reference["shape"] for reference in _references(shape)]

    def patterns(self) -> dict[str, int | None]:
        """All regular expressions of the model, with the greatest length of what they have to match (None: any)."""
        return {raw["pattern"]: raw.get("max") for raw in self._raw.values() if "pattern" in raw}

    def error_names(self) -> dict[str, str]:
        """Shape names of the errors, by name and by query code."""
        errors = {name: raw for name, raw in self._raw.items() if raw.get("exception") or "error" in raw}
        codes = {raw["error"]["code"]: name for name, raw in errors.items() if "code" in raw.get("error", {})}
        return {**codes, **{name: name for name in errors}}

    def has_document(self, shape: Shape, above: frozenset[str] = frozenset()) -> bool:
        """Whether values of this shape can hold JSON of any form."""
        name = shape["shape"]
        if name in above:
            return False
        return bool(shape.get("document")) or any(self.has_document(self.named(below), above | {name}) for below in self.below(shape))

    def is_recursive(self, shape: Shape) -> bool:
        """Whether values of this shape can nest without end: it reaches itself, or a document.

        What is taken verbatim counts not: its service looks at the depth itself, and orjson reads no more than a thousand levels.
        """
        return self._reaches_cycle(shape["shape"], frozenset())

    def _reaches_cycle(self, name: str, above: frozenset[str]) -> bool:
        if name in above:
            return True
        raw = self._raw[name]
        if raw.get("document"):
            return True
        above = above | {name}
        return any(self._reaches_cycle(reference["shape"], above) for reference in _references(raw))


def _references(raw: Shape) -> list[Mapping[str, Any]]:
    if raw["type"] == "structure":
        return list(raw["members"].values())
    return [raw[part] for part in ("member", "key", "value") if part in raw]


def is_streaming(shape: Shape) -> bool:
    """A blob whose bytes are not held in memory (S3 object bodies, Lambda layers)."""
    return bool(shape.get("streaming")) and shape["type"] == "blob"


def wire_name(shape: Shape, name: str) -> str:
    """The name of a member on the wire.  `formName` is a patch's word for the name in the query protocol alone."""
    return shape.get("formName") or shape.get("locationName", name)


def flat_name(shape: Shape, name: str) -> str:
    """The name under which a flattened list repeats itself."""
    return shape.get("formName") or shape.get("locationName") or shape["member"].get("locationName", name)
