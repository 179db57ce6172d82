"""Attributes of queues: which there are, what values they take, what they are when nobody says.

AWS: SQS API reference, CreateQueue, SetQueueAttributes, GetQueueAttributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tule.access.policy.validate import InvalidPolicy, resource_policy
from tule.services.sqs import errors, redrive

MAX_MESSAGE_BYTES = 1_048_576
MAX_VISIBILITY_S = 43_200
MAX_DELAY_S = 900
MAX_WAIT_S = 20

Attributes = dict[str, str]


class Range(NamedTuple):
    low: int
    high: int
    default: int


NUMBERS: Mapping[str, Range] = {
    "DelaySeconds": Range(0, MAX_DELAY_S, 0),
    "MaximumMessageSize": Range(1024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": Range(60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": Range(0, MAX_WAIT_S, 0),
    "VisibilityTimeout": Range(0, MAX_VISIBILITY_S, 30),
    "KmsDataKeyReusePeriodSeconds": Range(60, 86_400, 300),
}
_BOOLEANS = ("SqsManagedSseEnabled", "ContentBasedDeduplication", "FifoQueue")
_CHOICES = {"DeduplicationScope": ("queue", "messageGroup"), "FifoThroughputLimit": ("perQueue", "perMessageGroupId")}
_TEXTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId")
_FIFO_ONLY = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_FIFO_DEFAULTS = {"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
_KMS = ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
_COMPUTED = (*COUNTS, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
KNOWN = frozenset((*NUMBERS, *_BOOLEANS, *_CHOICES, *_TEXTS, *_COMPUTED, "All"))


def defaults(*, is_fifo: bool) -> Attributes:
    numbers = {name: str(each.default) for name, each in NUMBERS.items() if name != "KmsDataKeyReusePeriodSeconds"}
    return {**numbers, "SqsManagedSseEnabled": "true", **(_FIFO_DEFAULTS if is_fifo else {})}


def changed(current: Mapping[str, str], given: Mapping[str, str], *, is_fifo: bool) -> Attributes:
    """`current` with what `given` sets, or clears by an empty value.  Raises InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    for name in given:
        if name not in KNOWN or name in _COMPUTED or name == "All" or (name in _FIFO_ONLY and not is_fifo):
            raise errors.unknown_attribute(name)
    wanted = dict(current)
    for name, text in given.items():
        value = _checked(name, text.strip() if name not in _TEXTS else text, wanted)
        if value is None:
            wanted.pop(name, None)
        else:
            wanted[name] = value
    _settle_encryption(wanted, given)
    if wanted.get("FifoThroughputLimit") == "perMessageGroupId" and wanted["DeduplicationScope"] != "messageGroup":
        raise errors.invalid_attributes("The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
    return wanted


def _checked(name: str, text: str, wanted: Mapping[str, str]) -> str | None:
    """The value to keep; None where the attribute goes away."""
    if name in NUMBERS:
        return _number(name, text)
    if name in _BOOLEANS:
        return _boolean(name, text, wanted)
    if name in _CHOICES:
        return _choice(name, text)
    if not text:
        return None
    match name:
        case "Policy":
            return _policy(text)
        case "RedrivePolicy":
            return redrive.parse_policy(text).text()
        case "RedriveAllowPolicy":
            return redrive.parse_allowance(text).text()
        case _:
            return text


def _number(name: str, text: str) -> str | None:
    limits = NUMBERS[name]
    if not text:
        return None if name in _KMS else str(limits.default)
    if not text.isascii() or not text.isdigit() or not limits.low <= int(text) <= limits.high:
        raise errors.invalid_attribute(name)
    return str(int(text))


def _boolean(name: str, text: str, wanted: Mapping[str, str]) -> str:
    value = text.lower()
    if name == "FifoQueue" and value != wanted.get("FifoQueue", "true"):
        raise errors.invalid_attribute(name)  # what a queue is, it stays
    if value not in ("true", "false"):
        if value or name == "FifoQueue":
            raise errors.invalid_attribute(name)
        return "false"
    return value


def _choice(name: str, text: str) -> str:
    if text not in _CHOICES[name]:
        raise errors.invalid_attribute(name)
    return text


def _policy(text: str) -> str:
    try:
        resource_policy(text)
    except InvalidPolicy as error:
        raise errors.invalid_attribute("Policy") from error
    return text


def _settle_encryption(wanted: Attributes, given: Mapping[str, str]) -> None:
    """One kind of encryption at a time; a key of KMS puts an end to SQS's own.  AWS: SQS developer guide, "Encryption at rest"."""
    if not wanted.get("KmsMasterKeyId"):
        wanted.pop("KmsMasterKeyId", None)
        wanted.pop("KmsDataKeyReusePeriodSeconds", None)
        return
    if given.get("SqsManagedSseEnabled", "").lower() == "true" and given.get("KmsMasterKeyId"):
        raise errors.invalid_attributes("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
    if given.get("SqsManagedSseEnabled", "").lower() == "true":
        wanted.pop("KmsMasterKeyId")
        wanted.pop("KmsDataKeyReusePeriodSeconds", None)
        return
    wanted["SqsManagedSseEnabled"] = "false"
    wanted.setdefault("KmsDataKeyReusePeriodSeconds", str(NUMBERS["KmsDataKeyReusePeriodSeconds"].default))


def first_difference(existing: Mapping[str, str], wanted: Mapping[str, str], given: Mapping[str, str]) -> str | None:
    """The first attribute that `given` names and whose value is not the existing queue's."""
    return next((name for name in given if wanted.get(name) != existing.get(name)), None)
