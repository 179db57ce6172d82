"""Message attributes: their rules, their digest, and which of them a receive shows.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.services.sqs import errors

Values = Mapping[str, Mapping[str, Any]]

MAX_ATTRIBUTES = 10
MAX_NAME_BYTES = 256
_NAME = re.compile(r"[A-Za-z0-9_\-.]+\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_KINDS = {"String": "StringValue", "Number": "StringValue", "Binary": "BinaryValue"}


def check(values: Values) -> int:
    """The bytes that the attributes count for.  Raises InvalidParameterValue."""
    if len(values) > MAX_ATTRIBUTES:
        raise errors.invalid_parameter(f"Number of message attributes [{len(values)}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].")
    return sum(_check_one(name, value) for name, value in values.items())


def _check_one(name: str, value: Mapping[str, Any]) -> int:
    _check_name(name)
    kind = value.get("DataType", "")
    if not kind:
        raise _invalid(name, "must contain a non-empty message attribute type")
    prefix = kind.partition(".")[0]
    if prefix not in _KINDS:
        raise _invalid(name, "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String")
    if len(kind) > MAX_NAME_BYTES:
        raise _invalid(name, "has a message attribute type that is longer than 256 bytes")
    content = value.get(_KINDS[prefix])
    if not content:
        if any(value.get(other) for other in set(_KINDS.values())):
            raise _invalid(name, f"with type '{kind}' must use field '{_KINDS[prefix].removesuffix('Value')}'")
        raise errors.invalid_parameter(f"Message (user) attribute '{name}' must contain a non-empty value of type '{prefix}'.")
    if prefix == "Number" and not _NUMBER.match(content):
        raise errors.invalid_parameter(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    if prefix != "Binary":
        check_text(content)
    return len(name.encode()) + len(kind.encode()) + len(content if prefix == "Binary" else content.encode())


def _check_name(name: str) -> None:
    if not name:
        raise errors.invalid_parameter("The request must contain non-empty message (user) attribute names.")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise errors.invalid_parameter("Message (user) attribute names must be shorter than 256 Bytes.")
    if not _NAME.match(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        rule = "it can contain A-Z, a-z, 0-9, underscore (_), hyphen (-) and period (.)"
        raise errors.invalid_parameter(f"Message (user) attribute name '{name}' is invalid: {rule}.")
    if name.lower().startswith(("aws.", "amazon.")):
        raise errors.invalid_parameter(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use."
        )


def _invalid(name: str, what: str) -> ServiceError:
    return errors.invalid_parameter(f"The message (user) attribute '{name}' {what}.")


_ALLOWED_ASCII = bytes([9, 10, 13, *range(32, 128)])
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_text(text: str) -> None:
    """Raises InvalidMessageContents for characters that XML cannot carry."""
    if text.isascii() and not text.encode().translate(None, _ALLOWED_ASCII):
        return
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise errors.invalid_contents(found.group())


def digest(values: Values) -> str:
    """The MD5 that SDKs compare with their own."""
    md5 = hashlib.md5(usedforsecurity=False)
    for name in sorted(values):
        value = values[name]
        kind: str = value["DataType"]
        is_binary = kind.startswith("Binary")
        content: bytes = value["BinaryValue"] if is_binary else value["StringValue"].encode()
        for part in (name.encode(), kind.encode()):
            md5.update(len(part).to_bytes(4) + part)
        md5.update((b"\x02" if is_binary else b"\x01") + len(content).to_bytes(4) + content)
    return md5.hexdigest()


def to_json(values: Values) -> bytes:
    kept = {name: _kept(value) for name, value in values.items()}
    return orjson.dumps(kept)


def _kept(value: Mapping[str, Any]) -> dict[str, str]:
    if value["DataType"].startswith("Binary"):
        return {"BinaryValue": b64encode(value["BinaryValue"]).decode(), "DataType": value["DataType"]}
    return {"StringValue": value["StringValue"], "DataType": value["DataType"]}


def from_json(text: bytes) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = orjson.loads(text)
    for value in values.values():
        if "BinaryValue" in value:
            value["BinaryValue"] = b64decode(value["BinaryValue"])
    return values


Wanted = Callable[[str], bool]


def wanted(names: Sequence[str]) -> Wanted | None:
    """Which attributes MessageAttributeNames asks for; None for none of them.

    `All`, `.*` and `*` mean every one, `prefix.*` those that begin so.
    """
    if not names:
        return None
    if any(name in ("All", ".*", "*") for name in names):
        return lambda name: True
    exact = frozenset(names)
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return lambda name: name in exact or name.startswith(prefixes)
