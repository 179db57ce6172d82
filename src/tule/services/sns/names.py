"""ARNs of topics, subscriptions, applications and endpoints.  AWS: Service authorization reference, Amazon SNS, resource types."""

from __future__ import annotations

import re

from tule.core import arn as arns
from tule.services.sns import errors

FIFO = ".fifo"
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,256}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MAX_NAME_CHARS = 256


def topic_arn(region: str, account: str, name: str) -> str:
    return arns.arn("sns", region, account, name)


def is_topic_name(name: str, *, fifo: bool) -> bool:
    base = name.removesuffix(FIFO) if fifo else name
    return name.endswith(FIFO) == fifo and len(name) <= MAX_NAME_CHARS and _TOPIC.fullmatch(base) is not None


def parsed(parameter: str, text: str) -> arns.Arn:
    """Raises InvalidParameter in SNS's words when `text` is no ARN."""
    if not text:
        raise errors.invalid_reason(parameter, "no value for required parameter")
    count = text.count(":") + 1
    if count < 6:
        raise errors.invalid_reason(parameter, f"An ARN must have at least 6 elements, not {count}")
    try:
        return arns.parse(text)
    except ValueError as error:
        raise errors.invalid_parameter(parameter) from error


def topic(text: str, region: str, parameter: str = "TopicArn") -> arns.Arn:
    """A topic's ARN; topics are reached in their own region.  Raises InvalidParameter."""
    found = parsed(parameter, text)
    if found.service != "sns" or found.region != region or ":" in found.resource or "/" in found.resource:
        raise errors.invalid_parameter(parameter)
    return found


def subscription(text: str) -> arns.Arn:
    """Raises InvalidParameter."""
    found = parsed("SubscriptionArn", text)
    if _UUID.fullmatch(found.resource.partition(":")[2]) is None:
        raise errors.invalid_parameter("SubscriptionId")
    return found


def topic_of(subscription_arn: str) -> str:
    return subscription_arn.rpartition(":")[0]


def application(text: str) -> arns.Arn:
    """Raises InvalidParameter."""
    return _slashed("PlatformApplicationArn", text, "app", 2)


def endpoint(text: str, parameter: str = "EndpointArn") -> arns.Arn:
    return _slashed(parameter, text, "endpoint", 3)


def _slashed(parameter: str, text: str, kind: str, slashes: int) -> arns.Arn:
    found = parsed(parameter, text)
    if found.resource.count("/") != slashes:
        raise errors.invalid_reason(parameter, "Wrong number of slashes in relative portion of the ARN.")
    if found.service != "sns" or not found.resource.startswith(kind + "/"):
        raise errors.invalid_parameter(parameter)
    return found


def application_of(endpoint_arn: str) -> str:
    """`...:endpoint/GCM/name/uuid` belongs to `...:app/GCM/name`."""
    return endpoint_arn.rpartition("/")[0].replace(":endpoint/", ":app/", 1)
