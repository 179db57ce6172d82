"""Input templates of pipes: text or JSON with `<$.path>` and `<aws.pipes....>` in it.

In a string of the template a value is written as it is (an object without its quotes); anywhere else as JSON.  A member
whose value is not in the event is left out.  The template keeps its own spacing, unless something is left out of it.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.lang import event_paths
from tule.services.pipes import payloads

_PLACEHOLDER = re.compile(r"<(\$[^<>]*|aws\.[^<>]*)>")
_EVENT, _EVENT_JSON = "aws.pipes.event", "aws.pipes.event.json"
_NAMES = ("pipe-arn", "pipe-name", "source-arn", "enrichment-arn", "target-arn", "event.ingestion-time")
VARIABLES = frozenset((_EVENT, _EVENT_JSON, *(f"aws.pipes.{name}" for name in _NAMES)))
_ABSENT: Any = event_paths.MISSING
_MARK = "\x00"  # no JSON text has it unescaped


@dataclass(slots=True, frozen=True)
class _Piece:
    """Plain text, or the name of what stands in its place; `quoted` inside a string of the template."""

    text: str
    is_variable: bool = False
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Template:
    pieces: tuple[_Piece, ...]

    def render(self, event: Any, variables: Mapping[str, str]) -> str:
        """`variables` are the reserved ones by their names, but for the event's own."""
        read = _reader(event, variables)
        values = [read(piece.text) if piece.is_variable else None for piece in self.pieces]
        absent = [value is _ABSENT and not piece.quoted for piece, value in zip(self.pieces, values, strict=True)]
        if any(absent):
            return self._without_absent(values)
        return "".join(_written(piece, value) for piece, value in zip(self.pieces, values, strict=True))

    def _without_absent(self, values: list[Any]) -> str:
        """JSON without the members that have no value; text that is no JSON with nothing in their place."""
        parts = list(zip(self.pieces, values, strict=True))
        marked = "".join(f'"\\u0000{n}"' if v is _ABSENT and not p.quoted else _written(p, v) for n, (p, v) in enumerate(parts))
        try:
            return orjson.dumps(_pruned(orjson.loads(marked))).decode()
        except orjson.JSONDecodeError:
            return "".join("" if value is _ABSENT else _written(piece, value) for piece, value in parts)


def unknown_variable(text: str) -> str | None:
    """The first placeholder that is neither a path nor a reserved variable."""
    for match in _PLACEHOLDER.finditer(text):
        if match[1].startswith("aws.") and match[1] not in VARIABLES:
            return match[1]
        if match[1].startswith("$") and not _is_path(match[1]):
            return match[1]
    return None


def _is_path(text: str) -> bool:
    try:
        event_paths.parse(text)
    except event_paths.InvalidPath:
        return False
    return True


def compile_template(text: str) -> Template:
    return Template(tuple(_pieces(text)))


def _pieces(text: str) -> Iterator[_Piece]:
    quoted, end = False, 0
    for match in _PLACEHOLDER.finditer(text):
        plain = text[end : match.start()]
        quoted = _is_open(plain, quoted)
        if plain:
            yield _Piece(plain)
        yield _Piece(match[1], is_variable=True, quoted=quoted)
        end = match.end()
    if text[end:]:
        yield _Piece(text[end:])


def _is_open(text: str, quoted: bool) -> bool:
    """Whether a string of the template is open after `text`."""
    quotes = re.sub(r"\\.", "", text).count('"')
    return quoted != (quotes % 2 == 1)


def _reader(event: Any, variables: Mapping[str, str]) -> Callable[[str], Any]:
    readable: Any = _ABSENT

    def read(name: str) -> Any:
        nonlocal readable
        if name in variables:
            return variables[name]
        if name == _EVENT:
            return event
        readable = payloads.parsed(event) if readable is _ABSENT else readable
        if name == _EVENT_JSON:
            return readable
        return event_paths.parse(name).find(readable)

    return read


def _written(piece: _Piece, value: Any) -> str:
    if not piece.is_variable:
        return piece.text
    if value is _ABSENT:
        return ""
    if not piece.quoted:
        return orjson.dumps(value).decode()
    if isinstance(value, str):
        return orjson.dumps(value).decode()[1:-1]
    return orjson.dumps(value).decode().replace('"', "")


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if not _is_mark(item)}
    if isinstance(value, list):
        return [_pruned(item) for item in value if not _is_mark(item)]
    return None if _is_mark(value) else value


def _is_mark(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_MARK)
