"""How far delivery streams have read the shards of their sources."""

from __future__ import annotations

from tule.store.store import Tx

_ALL = "SELECT shard, sequence FROM firehose_checkpoints WHERE stream = ?"
_PUT = (
    "INSERT INTO firehose_checkpoints (stream, shard, sequence) VALUES (?, ?, ?)"
    " ON CONFLICT (stream, shard) DO UPDATE SET sequence = excluded.sequence"
)
_FORGET = "DELETE FROM firehose_checkpoints WHERE stream = ?"


def of(tx: Tx, stream: str) -> dict[str, str]:
    """How far a stream has read its source's shards."""
    return dict(tx.all(_ALL, stream))  # type: ignore[arg-type]


def put(tx: Tx, stream: str, shard: str, sequence: str) -> None:
    tx.execute(_PUT, stream, shard, sequence)


def forget(tx: Tx, stream: str) -> None:
    tx.execute(_FORGET, stream)
