"""Macros: the account's own transforms, each a function.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from tule.platform.call import Call
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.macros import MACROS
from tule.services.cloudformation.template.template import Place


async def transform(
    call: Call, name: str, fragment: dict[str, Any], given: Mapping[str, Any], parameters: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """What the macro's function makes of `fragment`.  Raises TemplateError."""
    full = f"{place.account}::{name}"
    registered = await call.node.store.read(lambda tx: MACROS.get(tx, place.account, place.region, name))
    if registered is None:
        raise TemplateError(f"No transform named {full} found.")
    event = {
        "region": place.region,
        "accountId": place.account,
        "fragment": fragment,
        "transformId": full,
        "params": dict(given),
        "requestId": call.node.ids.uuid(),
        "templateParameterValues": dict(parameters),
    }
    answer = await call.invoke("lambda", "Invoke", {"FunctionName": registered["FunctionName"], "Payload": orjson.dumps(event)})
    if answer.get("FunctionError"):
        raise TemplateError(f"Transform {full} failed without an error message.")
    return _fragment(full, await _payload(answer.get("Payload", b"")))


async def _payload(payload: bytes | AsyncIterator[bytes]) -> bytes:
    return payload if isinstance(payload, bytes) else b"".join([piece async for piece in payload])


def _fragment(full: str, payload: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise TemplateError(f"Received malformed response from transform {full}") from error
    if not isinstance(said, dict) or "status" not in said:
        raise TemplateError(f"Received malformed response from transform {full}")
    if str(said["status"]).lower() != "success":
        why = said.get("errorMessage")
        raise TemplateError(f"Transform {full} failed with: {why}." if why else f"Transform {full} failed without an error message.")
    if not isinstance(said.get("fragment"), dict):
        raise TemplateError(f"Template format error: unsupported structure made by transform {full}")
    return said["fragment"]
