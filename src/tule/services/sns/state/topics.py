"""Topics.  `version` changes with whatever a publisher has to know: the topic's attributes and its subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from tule.core import arn as arns
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sns_topics (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    subscriptions_deleted INTEGER NOT NULL,
    sequence INTEGER NOT NULL
);
CREATE INDEX sns_topics_by_account ON sns_topics (account, region, arn);
"""

CHANGED = "sns.topics"  # woken when any topic or subscription changes
DEFAULT_MESSAGE_BYTES = 256 * 1024
_INSERT = "INSERT INTO sns_topics (arn, account, region, version, body, subscriptions_deleted, sequence) VALUES (?, ?, ?, ?, ?, 0, 0)"
_GET = "SELECT arn, version, body, subscriptions_deleted FROM sns_topics WHERE arn = ?"
_VERSION = "SELECT version FROM sns_topics WHERE arn = ?"
_UPDATE = "UPDATE sns_topics SET body = ?, version = ? WHERE arn = ?"
_TOUCH = "UPDATE sns_topics SET version = ?, subscriptions_deleted = subscriptions_deleted + ? WHERE arn = ?"
_DELETE = "DELETE FROM sns_topics WHERE arn = ?"
_PAGE = "SELECT arn FROM sns_topics WHERE account = ? AND region = ? AND arn > ? ORDER BY arn LIMIT ?"
_NEXT_SEQUENCE = "UPDATE sns_topics SET sequence = sequence + 1 WHERE arn = ? RETURNING sequence"


@dataclass(slots=True)
class Topic:
    """`attributes` are those that were set, as AWS's names and texts; `archived_since_ms` is when an archive policy began."""

    arn: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    data_protection: str = ""
    archived_since_ms: int = 0
    version: int = 0
    subscriptions_deleted: int = 0

    @property
    def is_fifo(self) -> bool:
        return self.attributes.get("FifoTopic") == "true"

    @property
    def max_message_bytes(self) -> int:
        return int(self.attributes.get("MaximumMessageSize", DEFAULT_MESSAGE_BYTES))

    @property
    def account(self) -> str:
        return arns.parse(self.arn).account

    @property
    def region(self) -> str:
        return arns.parse(self.arn).region

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]


def insert(tx: Tx, topic: Topic) -> None:
    tx.execute(_INSERT, topic.arn, topic.account, topic.region, _new_version(tx), _body(topic))
    tx.wake(CHANGED)


def get(tx: Tx, arn: str) -> Topic | None:
    row = tx.one(_GET, arn)
    return None if row is None else Topic(arn=row[0], version=row[1], subscriptions_deleted=row[3], **orjson.loads(row[2]))


def version(tx: Tx, arn: str) -> int | None:
    row = tx.one(_VERSION, arn)
    return None if row is None else row[0]


def update(tx: Tx, topic: Topic) -> None:
    tx.execute(_UPDATE, _body(topic), _new_version(tx), topic.arn)
    tx.wake(CHANGED)


def touch(tx: Tx, arn: str, *, deleted: int = 0) -> None:
    """Its subscriptions changed; `deleted` of them are gone."""
    tx.execute(_TOUCH, _new_version(tx), deleted, arn)
    tx.wake(CHANGED)


def delete(tx: Tx, arn: str) -> None:
    tx.execute(_DELETE, arn)
    tx.wake(CHANGED)


def page(tx: Tx, account: str, region: str, after: str, limit: int) -> list[str]:
    return [arn for (arn,) in tx.all(_PAGE, account, region, after, limit)]


def next_sequence(tx: Tx, arn: str) -> int:
    row = tx.one(_NEXT_SEQUENCE, arn)
    return 0 if row is None else row[0]


def _new_version(tx: Tx) -> int:
    """Never one that was there before, not even of a deleted topic of the same name: caches go by it."""
    return int.from_bytes(tx.ids.bytes(7))


def _body(topic: Topic) -> bytes:
    return orjson.dumps(
        {
            "attributes": topic.attributes,
            "tags": topic.tags,
            "data_protection": topic.data_protection,
            "archived_since_ms": topic.archived_since_ms,
        }
    )
