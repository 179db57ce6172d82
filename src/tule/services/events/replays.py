"""Replays: the events of an archive, put once more to the bus where they came from.

A replay goes on in jobs, some events at a time, so that it can be cancelled, and starts again where it was when the node
is.  What is replayed carries the replay's name, goes only to the rules that the replay names, and to no archive.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
"""

from __future__ import annotations

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.services.events import encryption, errors, state
from tule.services.events.encryption import Keyring
from tule.services.events.matching import Incoming
from tule.services.events.memory import memory
from tule.services.events.names import bus_of
from tule.services.events.state import Record
from tule.store.store import Tx

REPLAY = "replay"
STARTING, RUNNING, CANCELLING = "STARTING", "RUNNING", "CANCELLING"
COMPLETED, CANCELLED, FAILED = "COMPLETED", "CANCELLED", "FAILED"
UNDER_WAY = (STARTING, RUNNING, CANCELLING)
MAX_UNDER_WAY = 10
_AT_ONCE = 200
_ATTEMPTS = 1_000_000


def arn(account: str, region: str, name: str) -> str:
    return arns.arn("events", region, account, f"replay/{name}")


def get(tx: Tx, call: Call, name: str) -> Record:
    """Raises ResourceNotFoundException."""
    found = state.REPLAYS.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Replay {name} does not exist.")
    return found


def go_on(tx: Tx, account: str, region: str, name: str) -> None:
    target = arn(account, region, name)
    enqueue(tx, Job(REPLAY, target, account, region, {}, name=f"events.replay:{target}", max_attempts=_ATTEMPTS, backoff_cap_ms=60_000))


async def run(node: Node, delivery: Delivery) -> Outcome:
    """The next events of a replay."""
    name = arns.parse(delivery.target).resource_id
    account, region = delivery.account, delivery.region

    def some(tx: Tx, keyring: Keyring) -> None:
        record = state.REPLAYS.get(tx, account, region, name)
        if record is None or record["state"] not in UNDER_WAY:
            return
        if record["state"] == CANCELLING:
            record |= {"state": CANCELLED, "ended_ms": tx.now_ms}
        elif _replay_some(node, tx, delivery, record, name, keyring):
            go_on(tx, account, region, name)
        state.REPLAYS.put(tx, account, region, name, record)

    try:
        await encryption.changed(node, some)
    except KeyRefused as refusal:
        problem = refusal.message
        await node.store.write(lambda tx: _fail(tx, account, region, name, problem))
    return Done()


def _fail(tx: Tx, account: str, region: str, name: str, problem: str) -> None:
    record = state.REPLAYS.get(tx, account, region, name)
    if record is not None and record["state"] in UNDER_WAY:
        state.REPLAYS.put(tx, account, region, name, {**record, "state": FAILED, "reason": problem, "ended_ms": tx.now_ms})


def _replay_some(node: Node, tx: Tx, delivery: Delivery, record: Record, name: str, keyring: Keyring) -> bool:
    """Whether there is more to do.  Raises Needed."""
    account, region = delivery.account, delivery.region
    destination = bus_of(record["destination"]["Arn"], account, region)
    only = frozenset(record["destination"].get("FilterArns", ())) or None
    archive = arns.parse(record["source"]).resource_id
    record["state"] = RUNNING
    done = 0
    after = (int(record["position"][0]), str(record["position"][1]))
    found = list(state.archived(tx, account, region, archive, after, record["until_ms"], _AT_ONCE))
    texts = keyring.opened(destination, [event for _, _, event in found])
    for (at_ms, id, _), text in zip(found, texts, strict=True):
        event = {**orjson.loads(text), "replay-name": name}
        memory(node).matcher.ingest(tx, destination, Incoming(event, tx.now_ms, only=only), keyring)
        record |= {"position": [at_ms, id], "last_ms": at_ms}
        done += 1
    if done == _AT_ONCE:
        return True
    record |= {"state": COMPLETED, "ended_ms": tx.now_ms}
    return False
