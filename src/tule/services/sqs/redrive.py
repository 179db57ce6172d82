"""Dead letter queues: where messages go that were received too often, and which queues may send there.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from tule.services.sqs import errors
from tule.services.sqs.queue_url import QueueKey, key_of_arn

MAX_RECEIVES = 1000
MAX_SOURCES = 10

Permission = Literal["allowAll", "denyAll", "byQueue"]


@dataclass(slots=True, frozen=True)
class RedrivePolicy:
    target: str
    max_receives: int

    def text(self) -> str:
        """As GetQueueAttributes shows it."""
        return orjson.dumps({"deadLetterTargetArn": self.target, "maxReceiveCount": self.max_receives}).decode()


@dataclass(slots=True, frozen=True)
class Allowance:
    """A dead letter queue's RedriveAllowPolicy."""

    permission: Permission = "allowAll"
    sources: tuple[str, ...] = ()

    def text(self) -> str:
        sources = {"sourceQueueArns": self.sources} if self.permission == "byQueue" else {}
        return orjson.dumps({"redrivePermission": self.permission, **sources}).decode()

    def lets_in(self, source: str) -> bool:
        return self.permission == "allowAll" or (self.permission == "byQueue" and source in self.sources)


def parse_policy(text: str) -> RedrivePolicy:
    """Raises InvalidParameterValue."""
    document = _document(text, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if document.get(name) in (None, ""):
            raise errors.redrive(text, f"Redrive policy does not contain mandatory attribute: {name}.")
    target, count = document["deadLetterTargetArn"], document["maxReceiveCount"]
    if isinstance(count, bool) or not str(count).isascii() or not str(count).isdigit() or not 1 <= int(count) <= MAX_RECEIVES:
        raise errors.redrive(text, f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.")
    if not isinstance(target, str) or key_of_arn(target) is None:
        raise errors.redrive(text, "Invalid value for deadLetterTargetArn.")
    return RedrivePolicy(target, int(count))


def parse_allowance(text: str) -> Allowance:
    """Raises InvalidParameterValue."""
    document = _document(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy, as it's not a valid JSON map.")
    permission, sources = document.get("redrivePermission"), document.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        reason = "Amazon SQS can't create the redrive allow policy. The redrivePermission must be one of: allowAll, denyAll, byQueue."
        raise errors.redrive(text, reason, "RedriveAllowPolicy")
    if (permission == "byQueue") != bool(sources):
        reason = "Amazon SQS can't create the redrive allow policy. Either sourceQueueArns or redrivePermission is missing or does not match."
        raise errors.redrive(text, reason, "RedriveAllowPolicy")
    if sources and (not isinstance(sources, list) or len(sources) > MAX_SOURCES or not all(isinstance(each, str) for each in sources)):
        reason = f"Amazon SQS can't create the redrive allow policy. You can specify up to {MAX_SOURCES} source queue ARNs."
        raise errors.redrive(text, reason, "RedriveAllowPolicy")
    return Allowance(permission, tuple(sources or ()))


def _document(text: str, parameter: str, reason: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.redrive(text, reason, parameter) from error
    if not isinstance(document, dict):
        raise errors.redrive(text, reason, parameter)
    return cast(dict[str, Any], document)


def check_pair(policy: RedrivePolicy, source: QueueKey, target: QueueKey, allowance: Allowance | None) -> None:
    """Whether `source` may let its failures go to `target`, whose allowance is None when there is no such queue.  Raises InvalidParameterValue."""
    if target.account != source.account:
        raise errors.redrive(policy.text(), "Dead letter target owner should be same as the source.")
    if target.region != source.region:
        raise errors.redrive(policy.text(), "Dead letter target must be in the same region as the source.")
    if target.name.endswith(".fifo") != source.name.endswith(".fifo"):
        raise errors.redrive(policy.text(), "Dead-letter queue must be same type of queue as the source.")
    if allowance is None:
        raise errors.redrive(policy.text(), "Dead letter target does not exist.")
    if not allowance.lets_in(source.arn):
        raise errors.redrive(policy.text(), f"The dead-letter queue {target.arn} does not permit {source.arn} to use it.")
