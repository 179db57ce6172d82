"""Tags of buckets and objects: their rules, and the three forms in which they come.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tule.core.errors import ServiceError
from tule.services.s3 import errors


class Rules(NamedTuple):
    most: int
    too_many: str
    reserved: str
    names_key: bool = True


BUCKET = Rules(50, "Bucket tag count cannot be greater than 50", "System tags cannot be added/updated by requester")
NEW_BUCKET = BUCKET._replace(
    reserved=(
        'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from your tag keys and try again.'
    ),
    names_key=False,
)
OBJECT = Rules(10, "Object tags cannot be greater than 10", "Your TagKey cannot be prefixed with aws:")
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*", re.UNICODE)


def from_list(tags: Iterable[Mapping[str, Any]], rules: Rules, allowed: Mapping[str, str] | None = MappingProxyType({})) -> dict[str, str]:
    """`[{"Key": k, "Value": v}]` to a map.  `allowed` are tags of the system that may be among them; None: any.  Raises InvalidTag."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key in found:
            raise _invalid("Cannot provide multiple Tags with the same key", key)
        found[key] = value
    return check(found, rules, allowed)


def system_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.lower().startswith("aws:")}


def system_tags_stay() -> ServiceError:
    return ServiceError("InvalidTag", "System tags cannot be removed by requester", 400)


def from_header(text: str) -> dict[str, str]:
    """`k=v&k2=v2`, percent-encoded, as in x-amz-tagging."""
    refusal = errors.invalid_argument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        "x-amz-tagging",
        text,
    )
    pairs = parse_qsl(text, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs) or any("," in key or "," in value for key, value in pairs):
        raise refusal
    return check(found, OBJECT)


def check(tags: dict[str, str], rules: Rules, allowed: Mapping[str, str] | None = MappingProxyType({})) -> dict[str, str]:
    if len(tags) - len(system_tags(tags)) > rules.most:
        raise ServiceError("BadRequest", rules.too_many, 400)
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            if allowed is None or allowed.get(key) == value:
                continue
            raise _invalid(rules.reserved, key if rules.names_key else None)
        if not 1 <= len(key) <= 128 or not _ALLOWED.fullmatch(key):
            raise _invalid("The TagKey you have provided is invalid", key)
        if len(value) > 256 or not _ALLOWED.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", key, value)
    return tags


def _invalid(message: str, key: str | None, value: str | None = None) -> ServiceError:
    fields = {name: text for name, text in (("TagKey", key), ("TagValue", value)) if text is not None}
    return ServiceError("InvalidTag", message, 400, fields=fields)
