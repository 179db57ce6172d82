"""Batches: up to ten entries, each with an id of its own, each of which may fail by itself.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tule.core.errors import ServiceError
from tule.platform.service import Params
from tule.services.sqs import errors

T = TypeVar("T")

MAX_ENTRIES = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_OF_THE_WHOLE = ("MissingParameter",)  # what AWS refuses a batch for, whichever entry it is


def entries_of(params: Params, kind: str) -> list[dict[str, Any]]:
    """Raises EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct."""
    entries: list[dict[str, Any]] = params["Entries"]
    if not entries:
        raise errors.empty_batch(kind)
    if len(entries) > MAX_ENTRIES:
        raise errors.too_many_entries(len(entries))
    seen: set[str] = set()
    for entry in entries:
        if not _ID.match(entry["Id"]):
            raise errors.invalid_entry_id()
    for entry in entries:
        if entry["Id"] in seen:
            raise errors.entry_ids_not_distinct(entry["Id"])
        seen.add(entry["Id"])
    return entries


@dataclass(slots=True)
class Outcome(Generic[T]):
    """What came of each entry, in order."""

    succeeded: dict[str, T] = field(default_factory=dict[str, T])
    failed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def attempt(self, id: str, run: Callable[[], T]) -> None:
        try:
            self.succeeded[id] = run()
        except ServiceError as error:
            if error.code in _OF_THE_WHOLE:
                raise
            self.fail(id, error)

    def fail(self, id: str, error: ServiceError) -> None:
        self.failed.append({"Id": id, "SenderFault": error.status < 500, "Code": error.code, "Message": error.message})
