"""Pipes, as documents.

A pipe's document: `settings` (the request's members), `envelope` (those of them that are encrypted), `desired` (RUNNING,
STOPPED, DELETED), `current` (the API's CurrentState), `reason`, `tags`, `created_ms`, `modified_ms`, and `revision`, another
with each change of the settings.
"""

from __future__ import annotations

from typing import Any

from tule.services.pipes import errors
from tule.services.pipes.names import PipeRef
from tule.store.documents import Documents
from tule.store.store import Tx

PIPES = Documents("pipes.pipe")
CHANGED = "pipes.changed"
"""The topic that is woken when a pipe changed."""

USER_INITIATED = "USER_INITIATED"

Document = dict[str, Any]


def find(tx: Tx, ref: PipeRef) -> Document | None:
    return PIPES.get(tx, ref.account, ref.region, ref.name)


def get(tx: Tx, ref: PipeRef) -> Document:
    """Raises NotFoundException."""
    found = find(tx, ref)
    if found is None:
        raise errors.no_pipe(ref.name)
    return found


def put(tx: Tx, ref: PipeRef, pipe: Document) -> None:
    PIPES.put(tx, ref.account, ref.region, ref.name, pipe)
    tx.wake(CHANGED)


def delete(tx: Tx, ref: PipeRef) -> None:
    PIPES.delete(tx, ref.account, ref.region, ref.name)
    tx.wake(CHANGED)


def everywhere(tx: Tx) -> list[tuple[PipeRef, Document]]:
    return [(PipeRef(account, region, name), pipe) for account, region, name, pipe in PIPES.everywhere(tx)]
