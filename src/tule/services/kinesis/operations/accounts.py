"""An account's settings.  AWS: Kinesis Data Streams API reference, DescribeAccountSettings, UpdateAccountSettings."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors
from tule.services.kinesis.state import account_settings
from tule.store.store import Tx

Params = dict[str, Any]

COMMITTED_MS = 24 * 3_600_000  # how long a commitment lasts at least


@reads
def describe_account_settings(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(account_settings.commitment(tx, call.account, call.region))


def update_account_settings(call: Call, tx: Tx, params: Params) -> Params:
    """A commitment that is too young to end stays.  Raises InvalidArgumentException."""
    wanted = params["MinimumThroughputBillingCommitment"]["Status"]
    current = account_settings.commitment(tx, call.account, call.region)
    if wanted != current["status"]:
        if wanted == "DISABLED" and tx.now_ms < current["started_ms"] + COMMITTED_MS:
            raise errors.invalid_argument("The minimum throughput billing commitment cannot be ended before its earliest allowed end.")
        current = {"status": "ENABLED", "started_ms": tx.now_ms} if wanted == "ENABLED" else {**current, "status": wanted, "ended_ms": tx.now_ms}
        account_settings.commit(tx, call.account, call.region, current)
    return _shown(current)


def _shown(commitment: Params) -> Params:
    started, ended = commitment.get("started_ms"), commitment.get("ended_ms")
    enabled = commitment["status"] == "ENABLED"
    shown = {
        "Status": commitment["status"],
        "StartedAt": None if started is None else started / 1000,
        "EndedAt": None if ended is None else ended / 1000,
        "EarliestAllowedEndAt": (started + COMMITTED_MS) / 1000 if enabled and started is not None else None,
    }
    return {"MinimumThroughputBillingCommitment": shown}
