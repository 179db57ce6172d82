"""Entries of PutEvents and PutPartnerEvents: which are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson


class Refused(Exception):
    """An entry that is not taken: code and message of its answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


def detail_of(entry: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """The entry's detail.  Raises Refused when a member is missing or the detail is no JSON object."""
    for member in required:
        if not entry.get(member):
            raise Refused("InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required argument.")
    try:
        detail = orjson.loads(entry["Detail"])
    except ValueError as error:
        raise Refused("MalformedDetail", "Detail is malformed.") from error
    if not isinstance(detail, dict):
        raise Refused("MalformedDetail", "Detail is malformed.")
    return detail
