"""What a mobile application says of itself to the functions that it invokes.  AWS: Lambda API reference, Invoke, ClientContext."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import orjson

from tule.services.lambda_ import errors

MAX_BYTES = 3583


def of(params: dict[str, Any]) -> str | None:
    """The JSON text that a call carries in base64, in ASCII, as a runtime gets it in a header.  Raises InvalidRequestContentException."""
    given: str = params.get("ClientContext", "")
    if not given:
        return None
    try:
        document = orjson.loads(base64.b64decode(given, validate=True))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise errors.unreadable_client_context() from error
    if not isinstance(document, dict) or len(given) > MAX_BYTES:
        raise errors.unreadable_client_context()
    return json.dumps(document, separators=(",", ":"))
