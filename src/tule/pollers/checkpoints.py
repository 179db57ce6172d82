"""How far a reader has come in each shard of its stream.

One row a shard.  `sequence` is the last record before which everything is dealt with; `body` is what else its reading must
remember over a restart.  A row is written in the transaction that also records what the progress causes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE poller_checkpoints (
    reader TEXT NOT NULL,
    shard TEXT NOT NULL,
    sequence TEXT NOT NULL,
    is_done INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (reader, shard)
);
"""

_ALL = "SELECT shard, sequence, is_done, body FROM poller_checkpoints WHERE reader = ?"
_PUT = (
    "INSERT INTO poller_checkpoints (reader, shard, sequence, is_done, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (reader, shard) DO UPDATE SET sequence = excluded.sequence, is_done = excluded.is_done, body = excluded.body"
)
_FORGET = "DELETE FROM poller_checkpoints WHERE reader = ?"
_FORGET_SHARD = "DELETE FROM poller_checkpoints WHERE reader = ? AND shard = ?"


@dataclass(slots=True, frozen=True)
class Checkpoint:
    """`sequence` empty: nothing of the shard is dealt with yet.  `is_done`: all of it is, and there will be no more."""

    sequence: str = ""
    is_done: bool = False
    body: dict[str, Any] = field(default_factory=dict[str, Any])


def of_reader(tx: Tx, reader: str) -> dict[str, Checkpoint]:
    """By shard."""
    return {shard: Checkpoint(sequence, bool(is_done), orjson.loads(body)) for shard, sequence, is_done, body in tx.all(_ALL, reader)}


def put(tx: Tx, reader: str, shard: str, checkpoint: Checkpoint) -> None:
    tx.execute(_PUT, reader, shard, checkpoint.sequence, int(checkpoint.is_done), orjson.dumps(checkpoint.body))


def forget(tx: Tx, reader: str, shard: str | None = None) -> None:
    """It reads no more; or the shard is gone."""
    if shard is None:
        tx.execute(_FORGET, reader)
    else:
        tx.execute(_FORGET_SHARD, reader, shard)
