"""Subscriptions, confirmed and pending."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from tule.services.sns import names
from tule.services.sns.state import topics
from tule.store.store import Row, Tx

SCHEMA = """
CREATE TABLE sns_subscriptions (
    arn TEXT PRIMARY KEY,
    topic TEXT NOT NULL,
    owner TEXT NOT NULL,
    region TEXT NOT NULL,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    confirmed INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX sns_subscriptions_by_topic ON sns_subscriptions (topic, arn);
CREATE INDEX sns_subscriptions_by_owner ON sns_subscriptions (owner, region, arn);
CREATE INDEX sns_subscriptions_by_endpoint ON sns_subscriptions (topic, protocol, endpoint);
"""

_COLUMNS = "arn, owner, region, protocol, endpoint, confirmed, body"
_INSERT = "INSERT INTO sns_subscriptions (arn, topic, owner, region, protocol, endpoint, confirmed, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_GET = f"SELECT {_COLUMNS} FROM sns_subscriptions WHERE arn = ?"
_UPDATE = "UPDATE sns_subscriptions SET confirmed = ?, body = ? WHERE arn = ?"
_DELETE = "DELETE FROM sns_subscriptions WHERE arn = ?"
_DELETE_OF_TOPIC = "DELETE FROM sns_subscriptions WHERE topic = ?"
_OF_TOPIC = f"SELECT {_COLUMNS} FROM sns_subscriptions WHERE topic = ? AND arn > ? ORDER BY arn LIMIT ?"
_OF_OWNER = f"SELECT {_COLUMNS} FROM sns_subscriptions WHERE owner = ? AND region = ? AND arn > ? ORDER BY arn LIMIT ?"
_BY_ENDPOINT = f"SELECT {_COLUMNS} FROM sns_subscriptions WHERE topic = ? AND protocol = ? AND endpoint = ?"
_COUNTS = "SELECT count(*), coalesce(sum(confirmed), 0) FROM sns_subscriptions WHERE topic = ?"


@dataclass(slots=True)
class Subscription:
    """`attributes` are those that were set.  `principal` is who subscribed, `base` where they reached the node (an URL).

    `authenticated` says that the confirmation was signed by its owner, or not needed; `guarded`, that only the owner may
    unsubscribe.
    """

    arn: str
    owner: str
    region: str
    protocol: str
    endpoint: str
    confirmed: bool
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    principal: str = ""
    base: str = ""
    authenticated: bool = False
    guarded: bool = False
    replay_status: str = ""

    @property
    def topic_arn(self) -> str:
        return names.topic_of(self.arn)

    @property
    def is_raw(self) -> bool:
        return self.attributes.get("RawMessageDelivery") == "true"


def insert(tx: Tx, subscription: Subscription) -> None:
    s = subscription
    tx.execute(_INSERT, s.arn, s.topic_arn, s.owner, s.region, s.protocol, s.endpoint, int(s.confirmed), _body(s))
    topics.touch(tx, s.topic_arn)


def get(tx: Tx, arn: str) -> Subscription | None:
    row = tx.one(_GET, arn)
    return None if row is None else _read(row)


def update(tx: Tx, subscription: Subscription) -> None:
    tx.execute(_UPDATE, int(subscription.confirmed), _body(subscription), subscription.arn)
    topics.touch(tx, subscription.topic_arn)


def delete(tx: Tx, subscription: Subscription) -> None:
    if tx.execute(_DELETE, subscription.arn):
        topics.touch(tx, subscription.topic_arn, deleted=1 if subscription.confirmed else 0)


def delete_of_topic(tx: Tx, topic: str) -> None:
    tx.execute(_DELETE_OF_TOPIC, topic)


def of_topic(tx: Tx, topic: str, after: str = "", limit: int = 1_000_000) -> list[Subscription]:
    return [_read(row) for row in tx.all(_OF_TOPIC, topic, after, limit)]


def of_owner(tx: Tx, owner: str, region: str, after: str, limit: int) -> list[Subscription]:
    return [_read(row) for row in tx.all(_OF_OWNER, owner, region, after, limit)]


def by_endpoint(tx: Tx, topic: str, protocol: str, endpoint: str) -> Subscription | None:
    row = tx.one(_BY_ENDPOINT, topic, protocol, endpoint)
    return None if row is None else _read(row)


def counts(tx: Tx, topic: str) -> tuple[int, int]:
    """(confirmed, pending)."""
    row = tx.one(_COUNTS, topic)
    every, confirmed = (0, 0) if row is None else (int(row[0]), int(row[1]))
    return confirmed, every - confirmed


def _read(row: Row) -> Subscription:
    arn, owner, region, protocol, endpoint, confirmed, body = row
    return Subscription(arn, owner, region, protocol, endpoint, bool(confirmed), **orjson.loads(body))


def _body(subscription: Subscription) -> bytes:
    s = subscription
    return orjson.dumps(
        {
            "attributes": s.attributes,
            "principal": s.principal,
            "base": s.base,
            "authenticated": s.authenticated,
            "guarded": s.guarded,
            "replay_status": s.replay_status,
        }
    )
