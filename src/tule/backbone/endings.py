"""What becomes of a job after a delivery: it ends, is tried again, or dies.

A dead job with a dead letter target becomes a job of kind `dead-letter` for that target, in the same transaction; its
payload is `{"reason", "code", "condition", "attempts", "kind", "target", "payload"}`: the last error, which limit was reached
(`MaximumRetryAttempts`, `MaximumEventAgeInSeconds`, or none), after how many attempts, and what it was.
"""

from __future__ import annotations

import orjson

from tule.backbone.claims import Claim
from tule.backbone.delivery import Dead, Done, Outcome, Retry
from tule.backbone.jobs import TOPIC, Job, end, enqueue, remove
from tule.store.store import Tx

DEAD_LETTER_ATTEMPTS = 10

_AGAIN = "UPDATE jobs SET due_ms = ?, attempts = ?, lease_owner = '', lease_until_ms = 0 WHERE sequence = ? AND id = ? AND lease_owner = ?"
_OWNED = "SELECT 1 FROM jobs WHERE sequence = ? AND id = ? AND lease_owner = ?"


def record(tx: Tx, claim: Claim, outcome: Outcome) -> bool:
    """Whether the job died.  Nothing happens when the lease went to somebody else, or the job was cancelled or replaced meanwhile."""
    if isinstance(outcome, Done):
        end(tx, claim.sequence, claim.id, claim.lease)
        return False
    if tx.one(_OWNED, claim.sequence, claim.id, claim.lease) is None:
        return False
    match outcome:
        case Dead(reason, code):
            bury(tx, claim, reason, claim.attempts + 1, code)
            return True
        case Retry():
            return _try_again(tx, claim, outcome)


def _try_again(tx: Tx, claim: Claim, outcome: Retry) -> bool:
    """Whether it died after all."""
    attempts = claim.attempts + (1 if outcome.counts else 0)
    delay_ms = backoff(claim, attempts) if outcome.delay_ms is None else outcome.delay_ms
    due_ms = tx.now_ms + delay_ms
    if attempts >= claim.max_attempts:
        bury(tx, claim, outcome.reason, attempts, outcome.code, "MaximumRetryAttempts")
    elif claim.expires_ms and due_ms >= claim.expires_ms:
        bury(tx, claim, outcome.reason, attempts, outcome.code, "MaximumEventAgeInSeconds")
    else:
        tx.execute(_AGAIN, due_ms, attempts, claim.sequence, claim.id, claim.lease)
        tx.wake(TOPIC)
        return False
    return True


def backoff(claim: Claim, attempts: int) -> int:
    """The wait after this many failed attempts: doubled each time, up to the cap."""
    return min(claim.backoff_cap_ms, claim.backoff_ms * 2 ** min(max(attempts - 1, 0), 40))


def bury(tx: Tx, claim: Claim, reason: str, attempts: int, code: str = "", condition: str = "") -> None:
    """The end of a job that never worked; `code` and `condition` are for its dead letter."""
    remove(tx, claim.sequence, claim.id)
    if not claim.dead_letter:
        return
    letter = {
        "reason": reason,
        "code": code,
        "condition": condition,
        "attempts": attempts,
        "kind": claim.kind,
        "target": claim.target,
        "payload": orjson.loads(claim.payload),
    }
    enqueue(
        tx,
        Job(
            "dead-letter",
            claim.dead_letter,
            claim.account,
            claim.region,
            letter,
            max_attempts=DEAD_LETTER_ATTEMPTS,
            source_service=claim.source_service,
            source_arn=claim.source_arn,
            role=claim.role,
            trace=claim.trace,
        ),
    )
