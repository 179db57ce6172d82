"""Events of buses with a key of KMS, encrypted while they wait for their targets, and those of archives with one while they are kept.

It is EventBridge itself that needs the key: its policy must let `events.amazonaws.com` in.  What AWS services tell is not
encrypted.  An event that cannot be encrypted goes to the bus's dead letter queue, one that cannot be decrypted to its target's.

That a key or a decrypted text is needed is found in a transaction: it is given up then (`Needed`), and comes again with what
was fetched meanwhile.  Buses and archives without a key pay nothing.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html and eb-encryption-event-bus-dlq.html
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import orjson

from tule.access.principal import Principal, aws_service
from tule.backbone.delivery import Delivery
from tule.backbone.jobs import Job
from tule.core.errors import ServiceError
from tule.platform import encryption, targets
from tule.platform.encryption import Holder, KeyRefused, Vault
from tule.platform.node import Node
from tule.services.events.names import BusRef
from tule.services.events.times import event_time
from tule.store.store import Tx

SERVICE = "events.amazonaws.com"
SEALED = "sealed"  # a job whose content is encrypted
T = TypeVar("T")

_CONTEXT = "aws:events:event-bus:arn"


class Lock(NamedTuple):
    """A key's ARN, and the bus whose events it encrypts."""

    key: str
    bus: BusRef


class Held(NamedTuple):
    """What seals under a key; or why the key cannot be used."""

    vault: Vault | None
    refusal: KeyRefused | None = None


@dataclass(slots=True)
class Keyring:
    """What one change has at hand: keys, and texts by the envelopes that they were in."""

    held: dict[Lock, Held] = field(default_factory=dict[Lock, Held])
    texts: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def of(self, lock: Lock) -> Held:
        """Raises Needed."""
        found = self.held.get(lock)
        if found is None:
            raise KeyNeeded(lock)
        return found

    def opened(self, bus: BusRef, envelopes: Sequence[bytes]) -> list[bytes]:
        """The texts; what is no envelope is one itself.  Raises Needed."""
        missing = [each for each in envelopes if encryption.is_envelope(each) and each not in self.texts]
        if missing:
            raise TextsNeeded(bus, missing)
        return [self.texts.get(each, each) for each in envelopes]


class Needed(ServiceError):
    """What a transaction misses.  No caller sees it."""

    def __init__(self) -> None:
        super().__init__("InternalException", "The events are encrypted.", 500)

    async def fetch(self, node: Node, keyring: Keyring) -> None:
        """Raises KeyRefused."""
        raise NotImplementedError


class KeyNeeded(Needed):
    def __init__(self, lock: Lock) -> None:
        super().__init__()
        self._lock = lock

    async def fetch(self, node: Node, keyring: Keyring) -> None:
        key, bus = self._lock
        holder = Holder(_principal(bus), SERVICE, bus.region, key, {_CONTEXT: bus.arn})
        try:
            keyring.held[self._lock] = Held(await encryption.vault(node, holder))
        except KeyRefused as refusal:
            keyring.held[self._lock] = Held(None, refusal)


class TextsNeeded(Needed):
    def __init__(self, bus: BusRef, envelopes: Sequence[bytes]) -> None:
        super().__init__()
        self._bus, self._envelopes = bus, envelopes

    async def fetch(self, node: Node, keyring: Keyring) -> None:
        texts = await encryption.unseal(node, _principal(self._bus), SERVICE, self._bus.region, self._envelopes)
        keyring.texts |= dict(zip(self._envelopes, texts, strict=True))


async def changed(node: Node, change: Callable[[Tx, Keyring], T]) -> T:
    """A transaction that may encrypt or decrypt events.  Raises KeyRefused where it decrypts."""
    keyring = Keyring()
    while True:
        try:
            return await node.store.write(lambda tx: change(tx, keyring))
        except Needed as needed:
            await needed.fetch(node, keyring)


def _principal(bus: BusRef) -> Principal:
    return aws_service(SERVICE, bus.account, bus.arn)


def lock_of(key: str | None, bus: BusRef) -> Lock | None:
    """`key` is what a user gave as KmsKeyIdentifier, if anything."""
    return Lock(encryption.key_arn(key, bus.account, bus.region), bus) if key else None


def is_encrypted(event: Mapping[str, Any]) -> bool:
    """Whether a bus's key is for it: for what customers and partners tell, not for what AWS services do."""
    source = str(event["source"])
    return not source.startswith("aws.") or source.startswith("aws.partner/")


def sealed(tx: Tx, job: Job, lock: Lock, vault: Vault, rule_arn: str) -> Job:
    """The job with its target's name and all that is sent to it encrypted; its text is what dead letters get."""
    content = {"kind": job.kind, "target": job.target, "text": job.payload["text"], "settings": job.payload["settings"]}
    envelope = vault.seal(orjson.dumps(content), tx.ids)
    event = {
        "version": "0",
        "id": tx.ids.uuid(),
        "detail-type": "Encrypted Events",
        "source": "aws.events",
        "account": lock.bus.account,
        "time": event_time(tx.now_ms),
        "region": lock.bus.region,
        "resources": [],
        "detail": {
            "event-bus-arn": lock.bus.arn,
            "rule-arn": rule_arn,
            "kms-key-arn": lock.key,
            "encrypted-payload": base64.b64encode(envelope).decode(),
        },
    }
    payload = {"text": orjson.dumps(event).decode(), "settings": {}, "letter": job.payload["letter"], "bus": list(lock.bus)}
    return replace(job, kind=SEALED, target=rule_arn, payload=payload)


async def opened(node: Node, delivery: Delivery) -> Delivery:
    """What was encrypted, as it would have been delivered without a key.  Raises KeyRefused."""
    bus = BusRef(*delivery.payload["bus"])
    envelope = base64.b64decode(orjson.loads(delivery.payload["text"])["detail"]["encrypted-payload"])
    texts = await encryption.unseal(node, _principal(bus), SERVICE, bus.region, [envelope])
    content = orjson.loads(texts[0])
    payload = {"text": content["text"], "settings": content["settings"], "letter": delivery.payload["letter"]}
    return replace(delivery, kind=content["kind"], target=content["target"], payload=payload)


def letter(bus: BusRef, queue: str, text: str, refusal: KeyRefused) -> Job:
    """An event that could not be encrypted, for the bus's dead letter queue."""
    told = {"ERROR_CODE": refusal.kind, "ERROR_MESSAGE": refusal.message, "EVENT_BUS_ARN": bus.arn}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    return targets.job(
        queue,
        text,
        account=bus.account,
        region=bus.region,
        source_service=SERVICE,
        source_arn=bus.arn,
        settings={"MessageAttributes": attributes},
        max_attempts=10,
    )
