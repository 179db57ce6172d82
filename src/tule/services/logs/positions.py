"""Event ids and the tokens of GetLogEvents: 56 digits that say where an event stands.

AWS: GetLogEvents.  `f/...` leads forward, `b/...` backward; a token that leads to nothing new comes back unchanged, which is
how clients know that they have reached the end.
"""

from __future__ import annotations

import re

from tule.services.logs import errors
from tule.watch.log_store import LAST_MS, Position

_TOKEN = re.compile(r"([fb])/(\d{19})(\d{17})(\d{20})(?:/s)?")


def digits(position: Position) -> str:
    stream = int(position.stream_id, 16) if position.stream_id else 0
    return f"{max(position.time_ms, 0):019d}{stream:017d}{position.arrival + 1:020d}"


def token(direction: str, position: Position) -> str:
    return f"{direction}/{digits(position)}/s"


def parse(text: str) -> tuple[str, Position]:
    """(direction, position).  Raises InvalidParameterException."""
    match = _TOKEN.fullmatch(text)
    if match is None or int(match[2]) > LAST_MS or int(match[4]) > LAST_MS:
        raise errors.invalid_token()
    return match[1], Position(int(match[2]), f"{int(match[3]):012x}", int(match[4]) - 1)
