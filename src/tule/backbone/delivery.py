"""What a target is handed, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)  # to freeze it would cost as much as all else that is done with it
class Delivery:
    """A job that has come due.  `attempt` counts from 1; `payload` is what was enqueued.

    `target` is an ARN; `kind` tells the target's service what to do with it (`invoke`, `event`, `notification`, ...).
    `source_service` (`s3.amazonaws.com`) and `source_arn` say on whose behalf; the target checks its resource policy.
    """

    id: str
    kind: str
    target: str
    account: str
    region: str
    payload: dict[str, Any]
    attempt: int
    max_attempts: int
    enqueued_ms: int
    now_ms: int
    source_service: str = ""
    source_arn: str = ""
    role: str = ""
    trace: str | None = None


@dataclass(slots=True, frozen=True)
class Done:
    """The effect is durable; the job ends."""


@dataclass(slots=True, frozen=True)
class Retry:
    """It did not work this time.  `delay_ms` None: the job's own back-off.  Past its attempts or age it dies."""

    reason: str
    delay_ms: int | None = None
    counts: bool = True  # False: throttled or not ready; does not use up an attempt
    code: str = ""  # the error's code, for the dead letter


@dataclass(slots=True, frozen=True)
class Dead:
    """It never will work; to the dead letter target, if any, at once."""

    reason: str
    code: str = ""


Outcome = Done | Retry | Dead
