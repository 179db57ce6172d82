"""Taking messages out of a queue: what can be received now is hidden and handed out; what failed too often goes to the dead letters.

AWS: SQS API reference, ReceiveMessage; SQS developer guide, "Using dead-letter queues".
"""

from __future__ import annotations

from typing import NamedTuple

from tule.services.sqs.queue import Queue
from tule.services.sqs.state import attempts, groups, messages
from tule.services.sqs.state.attempts import Attempt
from tule.services.sqs.state.messages import Message
from tule.store.store import Tx


class Claim(NamedTuple):
    """One receive: how many messages at most, hidden for how long, and where failures go (None: nowhere)."""

    queue: Queue
    limit: int
    hidden_ms: int
    dead_letters: Queue | None
    attempt: str = ""


class Claimed(NamedTuple):
    messages: list[Message]
    received_ms: int


def claim(tx: Tx, dialect: str, wanted: Claim) -> Claimed:
    if not wanted.queue.is_fifo:
        return Claimed(_claim_any(tx, dialect, wanted), tx.now_ms)
    if wanted.attempt:
        repeated = _repeat(tx, dialect, wanted)
        if repeated is not None:
            return repeated
    found = _claim_in_order(tx, dialect, wanted)
    if wanted.attempt and found:
        seen = [(message.seq, message.receives) for message in found]
        attempts.put(tx, wanted.queue.backlog, wanted.attempt, Attempt(tx.now_ms, tx.now_ms + wanted.hidden_ms, seen))
    return Claimed(found, tx.now_ms)


def is_there(tx: Tx, queue: Queue) -> bool:
    """Whether a claim may find something."""
    if queue.is_fifo:
        return groups.any_ready(tx, queue.backlog)
    return messages.any_visible(tx, queue.backlog, queue.retention_ms)


def _is_dead(wanted: Claim, message: Message) -> bool:
    policy = wanted.queue.redrive
    return wanted.dead_letters is not None and policy is not None and message.receives > policy.max_receives


def _claim_any(tx: Tx, dialect: str, wanted: Claim) -> list[Message]:
    queue, dead_letters = wanted.queue, wanted.dead_letters
    found: list[Message] = []
    while True:
        room = wanted.limit - len(found)
        claimed = messages.claim(tx, dialect, queue.backlog, room, tx.now_ms + wanted.hidden_ms, queue.retention_ms)
        dead = [message for message in claimed if _is_dead(wanted, message)] if dead_letters is not None else []
        if not dead or dead_letters is None:
            return found + claimed
        for message in dead:
            messages.bury(tx, message, dead_letters.backlog, queue.arn)
        tx.wake(dead_letters.arn)
        found += [message for message in claimed if message not in dead]
        if len(claimed) < room or len(found) >= wanted.limit or not wanted.hidden_ms:
            return found


def _claim_in_order(tx: Tx, dialect: str, wanted: Claim) -> list[Message]:
    found: list[Message] = []
    seen: set[str] = set()
    while len(found) < wanted.limit:
        ready = [group for group in groups.ready(tx, dialect, wanted.queue.backlog, wanted.limit + len(seen)) if group not in seen]
        if not ready:
            break
        for group in ready:
            if len(found) < wanted.limit:
                found += _claim_of_group(tx, wanted, group, wanted.limit - len(found))
                seen.add(group)
    return found


def _claim_of_group(tx: Tx, wanted: Claim, group: str, room: int) -> list[Message]:
    """The group's next messages, up to the first that is hidden."""
    queue = wanted.queue
    found: list[Message] = []
    after = 0
    while room > len(found) and (oldest := groups.first(tx, queue.backlog, group, after, room - len(found))):
        for seq, visible_ms, sent_ms in oldest:
            after = seq
            if sent_ms <= tx.now_ms - queue.retention_ms:
                messages.delete(tx, queue.backlog, seq)
                continue
            if visible_ms > tx.now_ms:
                groups.settle(tx, queue.backlog, group)
                return found
            message = messages.claim_one(tx, seq, tx.now_ms + wanted.hidden_ms)
            if wanted.dead_letters is not None and _is_dead(wanted, message):
                _bury_in_order(tx, message, queue, wanted.dead_letters)
            else:
                found.append(message)
    groups.settle(tx, queue.backlog, group)
    return found


def _bury_in_order(tx: Tx, message: Message, queue: Queue, dead_letters: Queue) -> None:
    group = message.member_of or ""
    groups.join(tx, dead_letters.backlog, group, tx.now_ms)
    messages.bury_in_order(tx, message, dead_letters.backlog, queue.arn)
    tx.wake(dead_letters.arn)


def _repeat(tx: Tx, dialect: str, wanted: Claim) -> Claimed | None:
    """What the same attempt has received before, hidden anew, as long as nothing has happened to any of it."""
    backlog = wanted.queue.backlog
    before = attempts.get(tx, backlog, wanted.attempt)
    if before is None or before.visible_ms <= tx.now_ms:
        return None
    found: list[Message] = []
    for seq, receives in before.messages:
        held = messages.held(tx, backlog, seq)
        if held is None or held.receives != receives or held.visible_ms != before.visible_ms:
            return None
        message = messages.look(tx, seq)
        if message is not None:
            found.append(message)
    until_ms = tx.now_ms + wanted.hidden_ms
    for group in dict.fromkeys(message.member_of or "" for message in found):
        groups.hold(tx, dialect, backlog, group)
    for message in found:
        messages.hide(tx, backlog, message.seq, until_ms)
    for group in dict.fromkeys(message.member_of or "" for message in found):
        groups.settle(tx, backlog, group)
    attempts.put(tx, backlog, wanted.attempt, Attempt(before.received_ms, until_ms, before.messages))
    return Claimed(found, before.received_ms)
