"""When a failed delivery is tried again: in four phases, at once, at the least distance, backing off, at the greatest.

HTTP endpoints follow the policies of their topic and subscription; all else follows what SNS has laid down.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.lang import json_tokens

JsonObject = dict[str, Any]
DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"
DEFAULT_RETRIES: JsonObject = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_FUNCTIONS = ("linear", "arithmetic", "geometric", "exponential")
_MAX_RETRIES = 100
_MAX_DELAY_S = 3_600
_TOPIC_PARTS = ("defaultHealthyRetryPolicy", "defaultSicklyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy")


@dataclass(slots=True, frozen=True)
class Retries:
    """`steps` are the retries between the least and the greatest delay, in seconds."""

    no_delay: int
    min_delay: int
    steps: int
    max_delay: int
    least_s: float
    greatest_s: float
    function: str

    @property
    def count(self) -> int:
        return self.no_delay + self.min_delay + self.steps + self.max_delay

    def delay_ms(self, retry: int) -> int:
        """The wait before retry number `retry`, counted from 1."""
        place = retry - 1 - self.no_delay
        if place < 0:
            return 0
        if place < self.min_delay:
            return int(self.least_s * 1000)
        place -= self.min_delay
        if place < self.steps:
            return int(self._step_s(place) * 1000)
        return int(self.greatest_s * 1000)

    def _step_s(self, place: int) -> float:
        if self.steps == 1:
            return self.greatest_s
        part, span = place / (self.steps - 1), self.greatest_s - self.least_s
        match self.function:
            case "arithmetic":
                return self.least_s + span * part * (part + 1) / 2
            case "geometric":
                return self.least_s * (self.greatest_s / self.least_s) ** part
            case "exponential":
                return self.least_s + span * (2 ** (part * (self.steps - 1)) - 1) / (2 ** (self.steps - 1) - 1)
            case _:
                return self.least_s + span * part


AWS_MANAGED = Retries(3, 2, 10, 100_000, 1, 20, "exponential")
CUSTOMER_MANAGED = Retries(0, 2, 10, 38, 10, 600, "exponential")


def retries_of(policy: Mapping[str, Any]) -> Retries:
    """Of a complete healthy retry policy."""
    no_delay, min_delay, max_delay = policy["numNoDelayRetries"], policy["numMinDelayRetries"], policy["numMaxDelayRetries"]
    steps = max(0, policy["numRetries"] - no_delay - min_delay - max_delay)
    return Retries(no_delay, min_delay, steps, max_delay, policy["minDelayTarget"], policy["maxDelayTarget"], policy["backoffFunction"])


def read(text: str, *, of_topic: bool) -> JsonObject:
    """A policy as SNS keeps it.  Raises ValueError with what stands behind `DeliveryPolicy: `."""
    wrong = json_tokens.complaint(text)
    if wrong is not None:
        raise ValueError(f"failed to parse JSON. {wrong}")
    document = orjson.loads(text)
    if not isinstance(document, dict):
        raise ValueError("must be a JSON object")
    return _topic_policy(document) if of_topic else _subscription_policy(document)


def _topic_policy(document: JsonObject) -> JsonObject:
    given = document.get("http") or {}
    kept: JsonObject = {}
    for name in _TOPIC_PARTS:
        part = _without_nulls(given.get(name))
        if part:
            kept[name] = part
    kept["disableSubscriptionOverrides"] = bool(given.get("disableSubscriptionOverrides", False))
    if "defaultHealthyRetryPolicy" in kept:
        _check_retries(kept["defaultHealthyRetryPolicy"], "http.defaultHealthyRetryPolicy")
    _check_throttle(kept.get("defaultThrottlePolicy"), "http.defaultThrottlePolicy")
    return {"http": kept}


def _subscription_policy(document: JsonObject) -> JsonObject:
    retries = _without_nulls(document.get("healthyRetryPolicy"))
    if retries:
        _check_retries(retries, "healthyRetryPolicy")
    throttle = _without_nulls(document.get("throttlePolicy"))
    _check_throttle(throttle, "throttlePolicy")
    return {
        "healthyRetryPolicy": {**DEFAULT_RETRIES, **retries} if retries else None,
        "sicklyRetryPolicy": None,
        "throttlePolicy": throttle or None,
        "requestPolicy": _without_nulls(document.get("requestPolicy")) or None,
        "guaranteed": bool(document.get("guaranteed", False)),
    }


def _without_nulls(part: Any) -> JsonObject:
    return {name: value for name, value in part.items() if value is not None} if isinstance(part, dict) else {}


def _check_retries(policy: JsonObject, where: str) -> None:
    unknown = next((name for name in policy if name not in DEFAULT_RETRIES), None)
    if unknown is not None:
        raise ValueError(f"{where}.{unknown} is not a valid attribute")
    for name, low, high in (
        ("numRetries", 0, _MAX_RETRIES),
        ("numNoDelayRetries", 0, _MAX_RETRIES),
        ("numMinDelayRetries", 0, _MAX_RETRIES),
        ("numMaxDelayRetries", 0, _MAX_RETRIES),
        ("minDelayTarget", 1, _MAX_DELAY_S),
        ("maxDelayTarget", 1, _MAX_DELAY_S),
    ):
        value = policy.get(name, DEFAULT_RETRIES[name])
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{where}.{name} must be between {low} and {high}")
    for name in ("minDelayTarget", "maxDelayTarget"):
        if name not in policy and policy.get("numRetries") is None:
            raise ValueError(f"{where}.{name} must be specified")
    whole = {**DEFAULT_RETRIES, **policy}
    if whole["backoffFunction"] not in _FUNCTIONS:
        raise ValueError(f"{where}.backoffFunction must be one of: {', '.join(_FUNCTIONS)}")
    if whole["minDelayTarget"] > whole["maxDelayTarget"]:
        raise ValueError(f"{where}.maxDelayTarget must be greater than or equal to minDelayTarget")
    if whole["numNoDelayRetries"] + whole["numMinDelayRetries"] + whole["numMaxDelayRetries"] > whole["numRetries"]:
        raise ValueError(
            f"{where}.numRetries must be greater than or equal to the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries"
        )
    retries = retries_of(whole)
    if sum(retries.delay_ms(retry) for retry in range(1, retries.count + 1)) > _MAX_DELAY_S * 1000:
        raise ValueError(f"{where}: the total retry time must not exceed {_MAX_DELAY_S} seconds")


def _check_throttle(policy: JsonObject | None, where: str) -> None:
    rate = (policy or {}).get("maxReceivesPerSecond", 1)
    if not isinstance(rate, int) or isinstance(rate, bool) or rate < 1:
        raise ValueError(f"{where}.maxReceivesPerSecond must be greater than or equal to 1")


def effective_of_topic(kept: str) -> JsonObject:
    """What holds for the topic's HTTP endpoints; `kept` is the attribute, or nothing."""
    http: JsonObject = orjson.loads(kept)["http"] if kept else {}
    found = {
        "defaultHealthyRetryPolicy": {**DEFAULT_RETRIES, **http.get("defaultHealthyRetryPolicy", {})},
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": {"headerContentType": DEFAULT_CONTENT_TYPE, **http.get("defaultRequestPolicy", {})},
    }
    if "defaultThrottlePolicy" in http:
        found["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    return {"http": found}


def effective_of_subscription(kept: str, topic_kept: str) -> JsonObject:
    """What holds for one HTTP endpoint."""
    topic = effective_of_topic(topic_kept)["http"]
    own: JsonObject = orjson.loads(kept) if kept and not topic["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": own.get("healthyRetryPolicy") or topic["defaultHealthyRetryPolicy"],
        "sicklyRetryPolicy": None,
        "throttlePolicy": own.get("throttlePolicy") or topic.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or topic["defaultRequestPolicy"],
        "guaranteed": own.get("guaranteed", False),
    }
