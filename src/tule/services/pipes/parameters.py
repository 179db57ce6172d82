"""Parameters whose value may be a JSON path into the event: `$.detail.state` in place of a fixed text.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html, dynamic path parameters
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tule.core.errors import validation
from tule.lang import event_paths
from tule.services.pipes import payloads

_PATH = re.compile(r"\$(\.[\w/-]+(\[(\d+|\*)\])*)*")


def resolved(parameters: Mapping[str, Any], event: Any) -> dict[str, Any]:
    """The parameters with every path replaced by what stands there, as text.  Raises ServiceError where nothing does."""
    if not _has_path(parameters):
        return dict(parameters)
    return _resolved(parameters, payloads.parsed(event))


def _has_path(value: Any) -> bool:
    if isinstance(value, str):
        return _PATH.fullmatch(value) is not None
    if isinstance(value, Mapping):
        return any(_has_path(item) for item in value.values())
    return isinstance(value, list) and any(_has_path(item) for item in value)


def _resolved(value: Any, event: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(item, event) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, event) for item in value]
    if not _has_path(value):
        return value
    found = event_paths.parse(value).find(event)
    if found is event_paths.MISSING:
        raise validation(f"The JSON path {value} leads to nothing in the event.")
    return found if isinstance(found, str) else orjson.dumps(found).decode()
