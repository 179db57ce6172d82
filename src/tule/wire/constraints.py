"""The model's constraints on params, in AWS's words.

Checking is compiled: a closure answers fast whether anything is wrong; only then is the whole walked again to say what.
Subtrees without constraints cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.wire.shapes import Shapes


class Checker:
    def __init__(self, service: str, shapes: Shapes) -> None:
        self._service = service
        self._shapes = shapes

    def input_of(self, operation: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], None]:
        if "input" not in operation:
            return _nothing
        required = tuple(self._shapes.at(operation["input"]).get("required", ()))

        def check(params: Mapping[str, Any]) -> None:
            missing = [name for name in required if params.get(name) is None]
            if missing:
                raise self._refusal([f"Value null at '{_camel(name)}' failed to satisfy constraint: Member must not be null" for name in missing])

        return check

    def _refusal(self, violations: list[str]) -> ServiceError:
        plural = "s" if len(violations) > 1 else ""
        return ServiceError("ValidationException", f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}", 400)


def _nothing(_: Mapping[str, Any]) -> None:
    return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


