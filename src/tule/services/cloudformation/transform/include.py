"""AWS::Include: a piece of template from S3.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.cloudformation import sources
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.text import parse

NAME = "AWS::Include"


async def snippet(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands at `Location`.  Raises TemplateError."""
    place = given.get("Location")
    if not isinstance(place, str):
        raise TemplateError(f"Transform {NAME} failed with: The location parameter is missing or is not a string.")
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        raise TemplateError(f"Transform {NAME} failed with: The location parameter is not a valid S3 uri.")
    try:
        text = await sources.object_of(call, parts.netloc, parts.path.lstrip("/"))
    except ServiceError as error:
        raise TemplateError(f"Transform {NAME} failed with: S3 error: {error.message}") from error
    return parse(text)


def merged(around: dict[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    """`around` with `piece` put beside what is there; maps of both are joined, and what is there wins."""
    joined = dict(piece)
    for key, value in around.items():
        present = joined.get(key)
        joined[key] = merged(value, present) if isinstance(value, dict) and isinstance(present, dict) else value
    return joined
