"""Input transformers of EventBridge's targets: variables cut out of an event, put into a template.

A template is JSON with `<variable>` in it, or strings.  A variable that stands for a JSON value is put in as JSON; within
quotes a text is put in as the text that it is.  What is no text loses its quotes in a template of strings, and keeps them
inside a JSON template's quotes, which breaks the JSON: AWS does not deliver it, and `render` refuses it.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tule.lang.event_paths import MISSING, EventPath
from tule.lang.event_paths import parse as parse_path
from tule.lang.event_pattern_json import InvalidPattern, PatternReader

RULE_ARN = "aws.events.rule-arn"
RULE_NAME = "aws.events.rule-name"
INGESTION_TIME = "aws.events.event.ingestion-time"
EVENT = "aws.events.event"
EVENT_JSON = "aws.events.event.json"
PREDEFINED = frozenset({RULE_ARN, RULE_NAME, INGESTION_TIME, EVENT, EVENT_JSON})
_VARIABLE = re.compile(r"<([^<>\s]+)>")


class InvalidTemplate(ValueError):
    """The template is no JSON when its variables are null.  The text is what AWS says after the target's name."""


class NotJson(ValueError):
    """What came out is not JSON, and cannot be sent."""


@dataclass(slots=True, frozen=True)
class Place:
    """A variable's place; `quoted` when it lies within a string."""

    name: str
    quoted: bool


@dataclass(slots=True, frozen=True)
class InputTemplate:
    """`texts` and `places` alternate, beginning and ending with a text."""

    texts: tuple[str, ...]
    places: tuple[Place, ...]
    paths: Mapping[str, EventPath]
    strings: bool  # the template is one string or several, not a JSON value

    def render(self, event: Mapping[str, Any], predefined: Mapping[str, Any]) -> str:
        """What the target gets.  `predefined` has RULE_ARN, RULE_NAME and INGESTION_TIME.  Raises NotJson."""
        pieces = [self.texts[0]]
        for place, text in zip(self.places, self.texts[1:], strict=True):
            pieces += (self._written(place, self._value(place.name, event, predefined)), text)
        output = "".join(pieces)
        if not self.strings:
            _require_json(output)
        return output

    def _value(self, name: str, event: Mapping[str, Any], predefined: Mapping[str, Any]) -> Any:
        if name == EVENT_JSON:
            return event
        if name == EVENT:
            return {"detailType" if key == "detail-type" else key: value for key, value in event.items() if key != "detail"}
        if name in PREDEFINED:
            return predefined[name]
        value = self.paths[name].find(event)
        return "" if value is MISSING else value

    def _written(self, place: Place, value: Any) -> str:
        text = dumps(value)
        if not place.quoted:
            return text
        if isinstance(value, str):
            return text[1:-1]
        return text.replace('"', "") if self.strings else text


def compile(template: str, paths: Mapping[str, str]) -> InputTemplate:
    """`paths` are the variables' JSON paths.  Raises InvalidTemplate and InvalidPath."""
    parsed = {name: parse_path(path) for name, path in paths.items()}

    def known(name: str) -> bool:
        return name in parsed or name in PREDEFINED

    _check(template, known)
    texts, places = [""], list[Place]()
    quoted = escaped = False
    position = 0
    while position < len(template):
        match = _VARIABLE.match(template, position)
        if match is not None and known(match[1]):
            places.append(Place(match[1], quoted))
            texts.append("")
            position = match.end()
            escaped = False
            continue
        char = template[position]
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
        texts[-1] += char
        position += 1
    return InputTemplate(tuple(texts), tuple(places), parsed, template.lstrip().startswith('"'))


def _check(template: str, known: Callable[[str], bool]) -> None:
    """AWS reads the first JSON value of the template with null for each variable."""
    nulled = _VARIABLE.sub(lambda match: "null" if known(match[1]) else match[0], template)
    reader = PatternReader(nulled)
    try:
        depth = 0
        while True:
            kind = reader.next()
            depth += (kind in ("{", "[")) - (kind in ("}", "]"))
            if kind == "string":
                _ = reader.text
            if depth == 0:
                break
        if kind == "end" or kind not in ("}", "]", "string"):
            reader.next()
    except InvalidPattern as error:
        raise InvalidTemplate(str(error).partition("\n at ")[2] + ".") from error
    if kind == "end":
        raise InvalidTemplate(f'[Source: (String)"{nulled}"; line: 1, column: 0].')


def dumps(value: Any) -> str:
    """JSON as EventBridge writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise NotJson(text) from error
