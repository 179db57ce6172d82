"""Archives: copies of a bus's events, kept for some days, to be replayed.

An archive is fed by a managed rule on its bus, which leaves out what is a replay.  Events are kept by the time in them.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive-event.html
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.events import errors, rules, state
from tule.services.events.names import BusRef, bus_of, rule_arn
from tule.services.events.state import Record
from tule.store.store import Tx

MANAGED_BY = "prod.vhs.events.aws.internal"
DAY_MS = 86_400_000
_NO_REPLAY = {"replay-name": [{"exists": False}]}


def arn(account: str, region: str, name: str) -> str:
    return arns.arn("events", region, account, f"archive/{name}")


def get(tx: Tx, call: Call, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    found = state.ARCHIVES.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Archive {name} does not exist.")
    return found


def feed(tx: Tx, call: Call, name: str, record: Record) -> None:
    """Make, or make anew, the rule that puts events into the archive."""
    ref, rule_name = bus_of(record["bus"], call.account, call.region), _rule_name(name)
    pattern: dict[str, Any] = {**orjson.loads(record.get("pattern") or "{}"), **_NO_REPLAY}
    rule: Record = {
        "name": rule_name,
        "arn": rule_arn(ref, rule_name),
        "state": rules.ENABLED,
        "pattern": orjson.dumps(pattern).decode(),
        "managed_by": MANAGED_BY,
        "created_by": call.account,
        "archive": name,
        "archive_key": record.get("kms_key", ""),
        "tags": {},
        "targets": {rule_name: {"Id": rule_name, "Arn": f"arn:{arns.partition_of(call.region)}:events:{call.region}:::"}},
    }
    state.put_rule(tx, ref, rule_name, rule)


def stop_feeding(tx: Tx, call: Call, name: str, record: Record) -> None:
    state.delete_rule(tx, bus_of(record["bus"], call.account, call.region), _rule_name(name))


def _rule_name(archive: str) -> str:
    return f"Events-Archive-{archive}"


def oldest_ms(record: Record, now_ms: int) -> int:
    """Events older than this are to be forgotten; 0 days keep them for ever."""
    days = record["retention_days"]
    return now_ms - days * DAY_MS if days else 0


def drop_expired(tx: Tx, account: str, region: str, name: str, record: Record) -> None:
    before_ms = oldest_ms(record, tx.now_ms)
    if before_ms:
        state.forget_archived(tx, account, region, name, before_ms)


def require_bus(tx: Tx, call: Call, source_arn: str) -> BusRef:
    """Raises ResourceNotFoundException."""
    ref = bus_of(source_arn, call.account, call.region)
    rules.require_bus(tx, ref)
    return ref
