"""From one message to work for each subscription that wants it, in the transaction that takes the message.

What goes from a standard topic to a queue is put into the outbox (`pump.py`); all else is a job for itself.

A job's target is the subscription; its group, on FIFO topics, the subscription and the message's group, so that each
subscription gets each group in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tule.backbone.jobs import Job, enqueue
from tule.platform.encryption import Vault
from tule.services.sns import data_protection, encryption
from tule.services.sns.data_protection import Denied
from tule.services.sns.memory import KnownTopic, Subscriber
from tule.services.sns.message import Message, Seen
from tule.services.sns.state import archive, fifo, topics
from tule.services.sns.state.topics import Topic
from tule.services.sns.topic_attributes import retention_ms
from tule.store.store import Tx

NOTIFY = "sns.notify"
SOURCE = "sns.amazonaws.com"
_FIRST_SEQUENCE = 10_000_000_000_000_000_000


Put = Callable[[Tx, KnownTopic, Subscriber, bytes, "str | None"], None]


def accept(tx: Tx, known: KnownTopic, message: Message, trace: str | None, put: Put, vault: Vault | None = None) -> Message:
    """Take `message` for the topic's subscribers; of a duplicate on a FIFO topic the first one is answered again."""
    topic = known.topic
    if topic.is_fifo:
        earlier = _earlier(tx, topic, message, vault)
        if earlier is not None:
            message.id, message.sequence_number = earlier
            return message
    spread(tx, known, message, trace, put, vault)
    return message


def _earlier(tx: Tx, topic: Topic, message: Message, vault: Vault | None) -> tuple[str, str] | None:
    """Numbers and remembers a message that is new."""
    scope = message.group if topic.attributes.get("FifoThroughputScope") == "MessageGroup" else ""
    earlier = fifo.earlier(tx, topic.arn, scope, message.deduplication)
    if earlier is not None:
        return earlier
    sequence = topics.next_sequence(tx, topic.arn)
    message.sequence_number = str(_FIRST_SEQUENCE + sequence)
    fifo.remember(tx, topic.arn, scope, message.deduplication, message.id, message.sequence_number)
    kept_ms = retention_ms(topic)
    if kept_ms:
        archive.expire(tx, topic.arn, tx.now_ms - kept_ms)
        kept = message.whole() if vault is None else encryption.sealed(vault, message, tx.ids)
        archive.keep(tx, topic.arn, sequence, orjson.dumps(kept))
    return None


def spread(tx: Tx, known: KnownTopic, message: Message, trace: str | None, put: Put, vault: Vault | None = None) -> None:
    """`put` takes what goes to a queue without an order; `vault` seals what is kept."""
    seen = Seen(message)
    documents: dict[str, bytes] = {}
    for subscriber in known.subscribers.values():
        protocol = subscriber.subscription.protocol
        if subscriber.filter is not None and not seen.passes(subscriber.filter, protocol):
            message.filtered_out += 1
            continue
        document = documents.get(protocol)
        if known.protection is not None and known.protection.outbound:
            shown = shown_to(known, subscriber, message)
            if shown is None:
                continue
            document = _kept(tx, shown, protocol, vault)
        elif document is None:
            document = documents[protocol] = _kept(tx, message, protocol, vault)
        if protocol == "sqs" and not known.topic.is_fifo:
            put(tx, known, subscriber, document, trace)
        else:
            enqueue(tx, job(known.topic, subscriber, orjson.Fragment(document), message.group, trace))


def _kept(tx: Tx, message: Message, protocol: str, vault: Vault | None) -> bytes:
    return orjson.dumps(message.document(protocol) if vault is None else encryption.sealed(vault, message, tx.ids))


def shown_to(known: KnownTopic, subscriber: Subscriber, message: Message) -> Message | None:
    """As the topic's data protection lets this subscriber have it; None when it may not."""
    if known.protection is None:
        return message
    try:
        return data_protection.given_out(known.protection, subscriber.subscription.principal, message)
    except Denied:
        return None


def job(topic: Topic, subscriber: Subscriber, document: Any, group: str, trace: str | None) -> Job:
    """The delivery of one message to one subscription.  A dead one comes back to the subscription, which knows its queue."""
    arn = subscriber.subscription.arn
    return Job(
        NOTIFY,
        arn,
        topic.account,
        topic.region,
        {"message": document},
        max_attempts=1 + subscriber.retries.count,
        dead_letter=arn if subscriber.dead_letter else "",
        source_service=SOURCE,
        source_arn=topic.arn,
        group=f"{arn}/{group}" if topic.is_fifo else "",
        trace=trace,
    )
