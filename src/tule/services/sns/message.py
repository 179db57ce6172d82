"""A message as it is published: what is allowed, and how it is kept until it is delivered.

AWS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.lang import sns_filters
from tule.services.sns import errors
from tule.services.sns.state.topics import DEFAULT_MESSAGE_BYTES, Topic

_MAX_SUBJECT = 100
_SUBJECT = re.compile(r"[\x20-\x7e\xa0-\uffff][^\x00-\x1f\x7f]*")
_FIFO_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!(?i:aws\.|amazon\.))(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_ATTRIBUTE_TYPES = ("String", "Number", "Binary")

Attributes = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Message:
    """`text` is what subscribers get; `texts` are the variants by protocol of a structured message, of which `default` is one.

    `attributes` are as in the API, but for `BinaryValue`, which is base64.
    """

    id: str
    published_ms: int
    text: str
    subject: str | None = None
    texts: dict[str, str] | None = None
    attributes: Attributes = field(default_factory=dict[str, dict[str, Any]])
    group: str = ""
    deduplication: str = ""
    sequence_number: str = ""
    replayed: bool = False
    filtered_out: int = 0  # subscriptions whose filters did not want it; not kept

    def text_for(self, protocol: str) -> str:
        return self.text if self.texts is None else self.texts.get(protocol, self.texts["default"])

    def document(self, protocol: str) -> dict[str, Any]:
        """What is kept of it for a subscription of `protocol`; `of` reads it again."""
        found: dict[str, Any] = {"id": self.id, "published_ms": self.published_ms, "text": self.text_for(protocol)}
        for name in ("subject", "attributes", "group", "deduplication", "sequence_number", "replayed"):
            value = getattr(self, name)
            if value:
                found[name] = value
        return found

    def whole(self) -> dict[str, Any]:
        """All of it, for the archive."""
        return {**self.document("default"), "text": self.text, **({"texts": self.texts} if self.texts is not None else {})}


def of(document: Mapping[str, Any]) -> Message:
    return Message(**document)


class Seen:
    """What filter policies see of a message; read when the first one asks."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._attributes: dict[str, list[Any]] | None = None
        self._bodies: dict[str, dict[str, Any] | None] = {}

    def passes(self, policy: sns_filters.Filter, protocol: str) -> bool:
        if policy.scope == "MessageAttributes":
            if self._attributes is None:
                self._attributes = sns_filters.attribute_values(self._message.attributes)
            return policy.matches(self._attributes)
        text = self._message.text_for(protocol)
        if text not in self._bodies:
            self._bodies[text] = _object(text)
        body = self._bodies[text]
        return body is not None and policy.matches(body)


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def new(params: Mapping[str, Any], id: str, now_ms: int, max_bytes: int = DEFAULT_MESSAGE_BYTES) -> Message:
    """The message of a Publish or of a batch's entry.  Raises InvalidParameter and ParameterValueInvalid."""
    text: str = params["Message"]
    if not text:
        raise errors.invalid_parameter("Empty message")
    attributes = _attributes(params.get("MessageAttributes") or {})
    if size(params) > max_bytes:
        raise errors.invalid_parameter("Message too long")
    subject = params.get("Subject")
    if subject is not None and (len(subject) > _MAX_SUBJECT or _SUBJECT.fullmatch(subject) is None):
        raise errors.invalid_parameter("Subject")
    return Message(id, now_ms, text, subject, _texts(params), attributes)


def size(params: Mapping[str, Any]) -> int:
    """Bytes of the text and of the attributes' names, types and values."""
    total = len(params["Message"].encode())
    for name, attribute in (params.get("MessageAttributes") or {}).items():
        total += len(name.encode()) + len(attribute.get("DataType", "").encode())
        total += len(attribute.get("StringValue", "").encode()) + len(attribute.get("BinaryValue", b""))
    return total


def _texts(params: Mapping[str, Any]) -> dict[str, str] | None:
    structure = params.get("MessageStructure")
    if structure is None:
        return None
    if structure != "json":
        raise errors.invalid_parameter("MessageStructure")
    try:
        document = orjson.loads(params["Message"])
    except orjson.JSONDecodeError as error:
        raise errors.invalid_parameter("Message Structure - JSON message body failed to parse") from error
    if not isinstance(document, dict) or not isinstance(document.get("default"), str):
        raise errors.invalid_parameter("Message Structure - No default entry in JSON message body")
    return {protocol: text for protocol, text in document.items() if isinstance(text, str)}


def _attributes(given: Mapping[str, Mapping[str, Any]]) -> Attributes:
    return {name: _attribute(name, attribute) for name, attribute in given.items()}


def _attribute(name: str, attribute: Mapping[str, Any]) -> dict[str, Any]:
    kind = attribute.get("DataType", "")
    if not name:
        raise errors.invalid_value("The message attribute name must not be empty.")
    if len(name.encode()) > 256:
        raise errors.invalid_value("Length of message attribute name must be less than 256 bytes.")
    if _ATTRIBUTE_NAME.fullmatch(name) is None:
        raise errors.invalid_value(f"Invalid non-alphanumeric character or reserved prefix was found in the message attribute name '{name}'.")
    if not kind:
        raise errors.invalid_value(f"The message attribute '{name}' must contain non-empty message attribute type.")
    base = kind.partition(".")[0]
    if base not in _ATTRIBUTE_TYPES:
        raise errors.invalid_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        )
    value = attribute.get("BinaryValue" if base == "Binary" else "StringValue")
    if not value:
        raise errors.invalid_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
        )
    if base == "Binary":
        return {"DataType": kind, "BinaryValue": base64.b64encode(value).decode()}
    if base == "Number" and not _is_number(value):
        raise errors.invalid_value(f"Could not cast message attribute '{name}' value to number.")
    return {"DataType": kind, "StringValue": value}


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


def order(topic: Topic, message: Message, params: Mapping[str, Any]) -> None:
    """The group and the deduplication id that a topic asks for.  Raises InvalidParameter."""
    group, deduplication = params.get("MessageGroupId"), params.get("MessageDeduplicationId")
    if group is not None and _FIFO_ID.fullmatch(group) is None:
        raise errors.invalid_reason("MessageGroupId", "The MessageGroupId can only include alphanumeric and punctuation characters, up to 128.")
    if not topic.is_fifo:
        if deduplication is not None:
            raise errors.invalid_reason(
                "MessageDeduplicationId", "The request includes MessageDeduplicationId parameter that is not valid for this topic type"
            )
        message.group = group or ""
        return
    if not group:
        raise errors.invalid_parameter("The MessageGroupId parameter is required for FIFO topics")
    if deduplication is not None and _FIFO_ID.fullmatch(deduplication) is None:
        raise errors.invalid_reason(
            "MessageDeduplicationId", "The MessageDeduplicationId can only include alphanumeric and punctuation characters, up to 128."
        )
    if deduplication is None and topic.attributes.get("ContentBasedDeduplication") != "true":
        raise errors.invalid_parameter("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    message.group = group
    message.deduplication = deduplication or hashlib.sha256(message.text.encode()).hexdigest()
