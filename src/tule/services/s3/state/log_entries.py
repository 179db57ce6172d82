"""Lines of access logs that wait for their delivery."""

from __future__ import annotations

from collections.abc import Sequence

from tule.store.store import Tx

_ADD = "INSERT INTO s3_log_entries (bucket, id, line) VALUES (?, ?, ?)"
_FIRST = "SELECT id, line FROM s3_log_entries WHERE bucket = ? ORDER BY id LIMIT ?"
_REMOVE = "DELETE FROM s3_log_entries WHERE bucket = ? AND id <= ?"


def add(tx: Tx, bucket: int, lines: Sequence[str]) -> None:
    tx.many(_ADD, [(bucket, f"{tx.now_ms:016x}{number:06x}{tx.ids.hex(8)}", line) for number, line in enumerate(lines)])


def first(tx: Tx, bucket: int, limit: int) -> tuple[str, list[str]]:
    """The id of the last of the oldest lines, and these."""
    rows = tx.all(_FIRST, bucket, limit)
    return rows[-1][0] if rows else "", [row[1] for row in rows]


def remove(tx: Tx, bucket: int, up_to: str) -> None:
    tx.execute(_REMOVE, bucket, up_to)
