"""Named leases: one holder at a time, and a number by which a holder that lost it is known.

Promise: while a lease lasts by the node's clock, nobody else takes it.  Each taking raises the lease's epoch.  A holder may
be late without knowing (a paused process, a clock that runs behind), so what it writes under the lease carries the epoch in
the same transaction (`check`), and what carries an old one is refused.

A node that starts again takes its own leases at once: no two nodes have one name.
"""

from __future__ import annotations

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL
);
"""

_TAKE = (
    "INSERT INTO leases (name, owner, until_ms, epoch) VALUES (?, ?, ?, 1) ON CONFLICT (name) DO UPDATE SET"
    " owner = excluded.owner, until_ms = excluded.until_ms, epoch = leases.epoch + 1"
    " WHERE leases.until_ms <= ? OR leases.owner = excluded.owner RETURNING epoch"
)
_RENEW = "UPDATE leases SET until_ms = ? WHERE name = ? AND epoch = ?"
_CHECK = "SELECT 1 FROM leases WHERE name = ? AND epoch = ?"
_RELEASE = "UPDATE leases SET until_ms = 0 WHERE name = ? AND epoch = ?"


class LeaseLost(Exception):
    """Somebody else took the lease meanwhile."""


def take(tx: Tx, name: str, owner: str, last_ms: int) -> int | None:
    """The epoch of the lease, now held for `last_ms`; None while another has it."""
    row = tx.one(_TAKE, name, owner, tx.now_ms + last_ms, tx.now_ms)
    return None if row is None else row[0]


def renew(tx: Tx, name: str, epoch: int, last_ms: int) -> None:
    """Hold it for `last_ms` from now, also after it ran out, if nobody else took it.  Raises LeaseLost."""
    if tx.execute(_RENEW, tx.now_ms + last_ms, name, epoch) == 0:
        raise LeaseLost(name)


def check(tx: Tx, name: str, epoch: int) -> None:
    """Raises LeaseLost unless this epoch is the latest.  For transactions that must not come from a former holder."""
    if tx.one(_CHECK, name, epoch) is None:
        raise LeaseLost(name)


def release(tx: Tx, name: str, epoch: int) -> None:
    """Let others take it at once.  Nothing happens when it was lost."""
    tx.execute(_RELEASE, name, epoch)
