"""Filter criteria of mappings.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.lang import event_patterns
from tule.pollers.filters import NOTHING_FILTERED, Filter, Filters, Kind
from tule.services.lambda_ import errors
from tule.services.lambda_.mappings import kinds

MAX_FILTERS = 5


def filters_of(kind: kinds.Kind, criteria: Mapping[str, Any] | None) -> Filters:
    """Raises InvalidParameterValueException."""
    texts = tuple(item.get("Pattern", "{}") for item in (criteria or {}).get("Filters", []))
    if not texts:
        return NOTHING_FILTERED
    if len(texts) > MAX_FILTERS:
        raise errors.invalid_parameter(f"The number of filters must be less than or equal to {MAX_FILTERS}.")
    return Filters(texts, tuple(_filter(kind, text) for text in texts))


def _filter(kind: kinds.Kind, text: str) -> Filter:
    try:
        pattern = event_patterns.compile(text)
        written = orjson.loads(text)
    except (event_patterns.InvalidPattern, orjson.JSONDecodeError) as error:
        raise errors.invalid_parameter("Invalid filter pattern definition.") from error
    payload = _payload_kind(written, kind.payload) if kind.payload else "none"
    if payload == "text" and not kind.text_filters:
        raise errors.invalid_parameter("Invalid filter pattern definition.")
    return Filter(pattern, payload)


def _payload_kind(written: Mapping[str, Any], payload: str) -> Kind:
    """Whether a pattern looks at the payload, and for what it takes it."""
    if payload in written:
        return "object" if isinstance(written[payload], dict) else "text"
    for inner in written.get("$or", []):
        kind = _payload_kind(inner, payload)
        if kind != "none":
            return kind
    return "none"
