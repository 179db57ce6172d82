"""The stack on whose behalf a resource is made, such that making it twice makes it once.

Names come of a token that is stored before the creation begins.  Results of calls that change something are stored as
they come; a creation that is repeated after a crash gets them from there instead of calling again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.platform.resource_type import StackContext
from tule.services.cloudformation import state
from tule.store.store import Tx

READING = ("BatchGet", "Describe", "Get", "Head", "List")
ABSENT = "absent"  # among the keys of calls: nobody had the resource before
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Rehearsed(Exception):
    """A creation came to the first change that is not on record."""


@dataclass(slots=True)
class Journal:
    """What one creation has done so far.  `names` were generated, `calls` were made (by their digest).

    `absent`: before the first call nobody had what the creation is to make.
    """

    token: str
    calls: dict[str, bytes] = field(default_factory=dict[str, bytes])
    seen: dict[str, int] = field(default_factory=dict[str, int])
    names: list[str] = field(default_factory=list[str])
    absent: bool = False

    def owns(self, physical_id: str) -> bool:
        """Whether what is found under this id can only be what this creation made."""
        return bool(physical_id) and (self.absent or physical_id in self.names)


@dataclass(slots=True, frozen=True)
class EngineContext(StackContext):
    """A StackContext whose names are settled by `journal.token` and whose changes are on record."""

    journal: Journal = field(default_factory=lambda: Journal(""))
    rehearses: bool = False  # says what a creation would be called, and makes nothing

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if operation.startswith(READING):
            return await StackContext.call(self, service, operation, params)
        key = self._key(service, operation, params)
        if key in self.journal.calls:
            return _decoded(self.journal.calls[key])
        if self.rehearses:
            raise Rehearsed
        result = await StackContext.call(self, service, operation, params)
        stored = _encoded(result)
        self.journal.calls[key] = stored

        def record(tx: Tx) -> None:
            state.add_call(tx, self.stack_id, self.journal.token, key, stored)

        await self.node.store.write(record)
        return result

    def generated_name(self, max_chars: int = 64, *, lower: bool = False) -> str:
        """`stack-logical-SUFFIX`; the same at every attempt of one creation."""
        suffix = suffix_of(self.journal.token)
        room = max_chars - len(suffix) - 1
        name = f"{self.stack_name}-{self.logical_id}"
        if len(name) > room:
            half = (room - 1) // 2
            stack = self.stack_name[: max(half, room - 1 - len(self.logical_id))]
            name = f"{stack}-{self.logical_id[: room - 1 - len(stack)]}"
        name = f"{name}-{suffix}"
        name = name.lower() if lower else name
        self.journal.names.append(name)
        return name

    def _key(self, service: str, operation: str, params: Mapping[str, Any]) -> str:
        said = orjson.dumps([service, operation, params], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=_plain)
        digest = hashlib.sha256(said).hexdigest()[:32]
        self.journal.seen[digest] = self.journal.seen.get(digest, 0) + 1
        return f"{digest}.{self.journal.seen[digest]}"


def suffix_of(token: str) -> str:
    """Twelve letters and digits that belong to `token`."""
    return "".join(_SUFFIX[byte & 31] for byte in hashlib.sha256(token.encode()).digest()[:12])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode()}
    return repr(value)


def _encoded(result: Mapping[str, Any]) -> bytes:
    return orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS, default=_plain)


def _decoded(stored: bytes) -> dict[str, Any]:
    return _bytes_again(orjson.loads(stored))


def _bytes_again(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: _bytes_again(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bytes_again(inner) for inner in value]
    return value
