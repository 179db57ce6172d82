"""Which endpoints a protocol takes, and which must confirm before they get anything.

AWS: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tule.core import arn as arns
from tule.services.sns import errors, names
from tule.services.sns.state.topics import DEFAULT_MESSAGE_BYTES, Topic

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.?[^@\s]*")
_PHONE = re.compile(r"\+?[0-9][0-9 .()-]{4,24}")
_HTTP = ("http", "https")
_FIFO_PROTOCOLS = ("sqs",)
_LARGE_PROTOCOLS = ("sqs", "firehose", "lambda")
_MAX_LARGE_SUBSCRIPTIONS = 100
_AUTOMATIC = ("sms", "application")


def check(topic: Topic, protocol: str, endpoint: str) -> None:
    """Raises InvalidParameter."""
    rule = _RULES.get(protocol)
    if rule is None:
        raise errors.invalid_parameter(f"Amazon SNS does not support this protocol string: {protocol}")
    if topic.is_fifo and protocol not in _FIFO_PROTOCOLS:
        raise errors.invalid_parameter(f"Invalid protocol type: {protocol}")
    if not endpoint:
        raise errors.invalid_reason("Endpoint", "no value for required parameter") if protocol not in _HTTP else errors.invalid_parameter("Endpoint")
    rule(endpoint)
    if protocol == "sqs" and endpoint.endswith(names.FIFO) and not topic.is_fifo:
        raise errors.invalid_parameter("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")


def check_large(topic: Topic, protocol: str, count: int) -> None:
    """Topics of large messages have few subscriptions, `count` in all, and only of AWS's own kinds.  Raises InvalidParameter.

    AWS: https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
    """
    if topic.max_message_bytes <= DEFAULT_MESSAGE_BYTES:
        return
    if protocol not in _LARGE_PROTOCOLS:
        raise errors.invalid_reason("Protocol", f"Delivery protocol [{protocol}] is not supported by topics with a MaximumMessageSize above 256 KiB")
    if count > _MAX_LARGE_SUBSCRIPTIONS:
        raise errors.invalid_reason("TopicArn", "topics with a MaximumMessageSize above 256 KiB must have 100 or fewer subscriptions")


def confirms_itself(protocol: str, endpoint: str, subscriber: str) -> bool:
    """Whether the caller, of account `subscriber`, owns the endpoint, so that nobody need be asked."""
    if protocol in _AUTOMATIC:
        return True
    if protocol in ("sqs", "lambda", "firehose"):
        return arns.parse(endpoint).account == subscriber
    return False


def _arn_of(service: str, complaint: str, resource: Callable[[str], bool]) -> Callable[[str], None]:
    def rule(endpoint: str) -> None:
        try:
            parsed = arns.parse(endpoint)
        except ValueError as error:
            raise errors.invalid_parameter(complaint) from error
        if parsed.service != service or not parsed.region or not parsed.account or not resource(parsed.resource):
            raise errors.invalid_parameter(complaint)

    return rule


def _url(scheme: str) -> Callable[[str], None]:
    def rule(endpoint: str) -> None:
        if not endpoint.lower().startswith(scheme + "://"):
            raise errors.invalid_parameter("Endpoint must match the specified protocol")
        if not endpoint[len(scheme) + 3 :].split("/", 1)[0]:
            raise errors.invalid_parameter("Endpoint")

    return rule


def _email(endpoint: str) -> None:
    if _EMAIL.fullmatch(endpoint) is None:
        raise errors.invalid_parameter("Email address")


def _sms(endpoint: str) -> None:
    if _PHONE.fullmatch(endpoint) is None:
        raise errors.invalid_sms(endpoint)


def _application(endpoint: str) -> None:
    names.endpoint(endpoint, "Endpoint")


_RULES: dict[str, Callable[[str], None]] = {
    "http": _url("http"),
    "https": _url("https"),
    "email": _email,
    "email-json": _email,
    "sms": _sms,
    "sqs": _arn_of("sqs", "SQS endpoint ARN", lambda name: ":" not in name and "/" not in name),
    "lambda": _arn_of("lambda", "Lambda endpoint ARN", lambda name: name.startswith("function:")),
    "firehose": _arn_of("firehose", "Firehose endpoint ARN", lambda name: name.startswith("deliverystream/")),
    "application": _application,
}
