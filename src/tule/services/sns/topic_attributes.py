"""What a topic's attributes may be, and how they are shown.

AWS: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html, API_GetTopicAttributes.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tule.core.clock import iso8601
from tule.lang import json_tokens
from tule.services.sns import delivery_policy, errors, topic_policy
from tule.services.sns.state import archive, subscriptions
from tule.services.sns.state.topics import Topic
from tule.store.store import Tx

_DAY_MS = 86_400_000
_MAX_RETENTION_DAYS = 365
_MAX_DISPLAY_NAME = 100
_MESSAGE_BYTES = (1_024, 1_048_576)
_FEEDBACK = ("Application", "HTTP", "Lambda", "SQS", "Firehose")
_BOOLEANS = ("ContentBasedDeduplication", "FifoTopic")
_FIFO_ONLY = ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
_ONLY_AT_CREATION = ("FifoTopic",)
_PLAIN = (
    "DisplayName",
    "KmsMasterKeyId",
    *(f"{protocol}{kind}" for protocol in _FEEDBACK for kind in ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn")),
)
_SAMPLE_RATES = tuple(f"{protocol}SuccessFeedbackSampleRate" for protocol in _FEEDBACK)


def kept(name: str, value: str) -> str:
    """The value as it is kept; nothing where that means the default.  Raises ValueError with what stands behind the attribute's name."""
    check = _CHECKS.get(name)
    return check(value) if check is not None else value


def is_known(name: str) -> bool:
    return name in _CHECKS or name in _PLAIN


def is_settable(name: str, topic: Topic) -> bool:
    return is_known(name) and name not in _ONLY_AT_CREATION and (topic.is_fifo or name not in _FIFO_ONLY)


def of_creation(given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a new topic.  Raises InvalidParameter."""
    found: dict[str, str] = {}
    fifo = given.get("FifoTopic") == "true"
    for name, value in given.items():
        if not is_known(name):
            raise errors.invalid_reason("Attributes", f"Unknown attribute: {name}")
        if not fifo and name in _FIFO_ONLY and value not in ("", "false"):
            raise errors.invalid_reason("Attributes", f"{name} attribute is only valid for FIFO topics")
        try:
            text = kept(name, value)
        except ValueError as error:
            raise errors.invalid_reason("Attributes", f"{name}: {error}") from error
        if text and (fifo or name not in ("FifoTopic", *_FIFO_ONLY)):
            found[name] = text
    if fifo:
        found.setdefault("ContentBasedDeduplication", "false")
    return found


def agree(topic: Topic, given: Mapping[str, str]) -> bool:
    """Whether a creation of what is there already names nothing that is different."""
    mine = {"FifoTopic": "false", "ContentBasedDeduplication": "false", **topic.attributes}
    wanted = of_creation(given)
    return all(mine.get(name, "") == wanted.get(name, value) for name, value in given.items())


def shown(tx: Tx, topic: Topic) -> dict[str, str]:
    """What GetTopicAttributes answers."""
    confirmed, pending = subscriptions.counts(tx, topic.arn)
    found = {
        **topic.attributes,
        "TopicArn": topic.arn,
        "Owner": topic.account,
        "DisplayName": topic.attributes.get("DisplayName", ""),
        "Policy": topic.attributes.get("Policy") or topic_policy.text(topic_policy.default(topic.arn)),
        "EffectiveDeliveryPolicy": _text(delivery_policy.effective_of_topic(topic.attributes.get("DeliveryPolicy", ""))),
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(pending),
        "SubscriptionsDeleted": str(topic.subscriptions_deleted),
    }
    if topic.archived_since_ms:
        found["BeginningArchiveTime"] = iso8601(beginning_ms(tx, topic))
    return found


def beginning_ms(tx: Tx, topic: Topic) -> int:
    """From when on the archive can be replayed."""
    oldest = archive.oldest_ms(tx, topic.arn)
    return max(topic.archived_since_ms, tx.now_ms - retention_ms(topic), oldest or 0)


def retention_ms(topic: Topic) -> int:
    """How long messages are archived; 0 when they are not."""
    text = topic.attributes.get("ArchivePolicy", "")
    return int(orjson.loads(text)["MessageRetentionPeriod"]) * _DAY_MS if text else 0


def _text(document: Any) -> str:
    return orjson.dumps(document).decode()


def _boolean(value: str) -> str:
    if value not in ("true", "false"):
        raise ValueError(f"Invalid value [{value}]. Must be true or false.")
    return value


def _one_of(*values: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"Invalid value [{value}]. Must be one of: {', '.join(values)}.")
        return value

    return check


def _display_name(value: str) -> str:
    if len(value) > _MAX_DISPLAY_NAME:
        raise ValueError(f"must be at most {_MAX_DISPLAY_NAME} characters long")
    return value


def _sample_rate(value: str) -> str:
    if not value.isdigit() or int(value) > 100:
        raise ValueError(f"Invalid value [{value}]. Must be a whole number between 0 and 100.")
    return value


def _message_size(value: str) -> str:
    low, high = _MESSAGE_BYTES
    if not value.isdigit() or not low <= int(value) <= high:
        raise ValueError(f"Invalid value [{value}]. Must be a whole number between {low} and {high}.")
    return value


def _delivery(value: str) -> str:
    return _text(delivery_policy.read(value, of_topic=True)) if value else ""


def _policy(value: str) -> str:
    if not value:
        return ""
    topic_policy.read(value)
    return value


def _archive(value: str) -> str:
    if not value:
        return ""
    wrong = json_tokens.complaint(value)
    if wrong is not None:
        raise ValueError(f"failed to parse JSON. {wrong}")
    policy = orjson.loads(value)
    if policy == {}:
        return ""
    days = str(policy.get("MessageRetentionPeriod", "")) if isinstance(policy, dict) else ""
    if not days.isdigit() or not 1 <= int(days) <= _MAX_RETENTION_DAYS or len(policy) != 1:
        raise ValueError(f"MessageRetentionPeriod must be between 1 and {_MAX_RETENTION_DAYS}")
    return _text({"MessageRetentionPeriod": days})


_CHECKS: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(_BOOLEANS, _boolean),
    **dict.fromkeys(_SAMPLE_RATES, _sample_rate),
    "DisplayName": _display_name,
    "MaximumMessageSize": _message_size,
    "Policy": _policy,
    "DeliveryPolicy": _delivery,
    "SignatureVersion": _one_of("1", "2"),
    "TracingConfig": _one_of("PassThrough", "Active"),
    "FifoThroughputScope": _one_of("Topic", "MessageGroup"),
    "ArchivePolicy": _archive,
}
