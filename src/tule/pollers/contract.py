"""What a poller is told, what it hands over, and what it is answered.

A `Source` says what is read and how; it is a value, and a poller lives as long as it stays the same.  A `Reader` is the
code of whoever reads: it says as whom, handles batches, and tells of records that were given up.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tule.access.principal import Principal
from tule.pollers.filters import NOTHING_FILTERED, Filters
from tule.store.store import Tx

Position = Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]
Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
FOREVER = -1


@dataclass(slots=True, frozen=True)
class Source:
    """A queue, a stream, or a consumer of a stream (`arn`), read on behalf of `reader`, in whose name checkpoints are kept.

    `reader` is unique and lasts: the ARN of an event source mapping or a pipe.  `account` and `region` are the reader's.
    Whatever else makes a poller begin anew is put into `revision`.  `since_ms` is when the reading was asked for: LATEST is
    everything from then on.
    """

    arn: str
    reader: str
    account: str
    region: str
    batch_size: int
    window_ms: int = 0
    filters: Filters = NOTHING_FILTERED
    revision: str = ""
    described: object = field(default=None, compare=False)  # whatever its reader is made from
    # of queues
    max_concurrency: int | None = None
    pollers: tuple[int, int] | None = None  # the fewest and the most that are provisioned
    # of streams
    position: Position = "TRIM_HORIZON"
    since_ms: int = 0
    lanes: int = 1
    tumbling_ms: int = 0
    bisect: bool = False
    max_retries: int = FOREVER
    max_age_ms: int = FOREVER


@dataclass(slots=True)
class Record:
    """`id` is what an answer names it by: a message's id or a record's sequence number.  `event` is it in AWS's words.

    Of a stream, `key` is that of the records whose order is kept, and one that is not `wanted` is passed over.
    """

    id: str
    event: dict[str, Any]
    at_ms: int
    size: int  # bytes, about
    key: str = ""
    wanted: bool = True


@dataclass(slots=True, frozen=True)
class Window:
    """The tumbling window that a batch belongs to; `state` is what the reader answered to the window's last batch."""

    start_ms: int
    end_ms: int
    state: Any = field(default_factory=dict[str, Any])
    is_final: bool = False
    is_terminated_early: bool = False


@dataclass(slots=True, frozen=True)
class Batch:
    """What is handed over at once.  `shard` and `window` are those of streams; `attempt` counts from 1."""

    records: Sequence[Record]
    shard: str = ""
    window: Window | None = None
    attempt: int = 1

    @property
    def events(self) -> list[dict[str, Any]]:
        return [record.event for record in self.records]


@dataclass(slots=True, frozen=True)
class Handled:
    """All of it is done.  `state` is that of the tumbling window from now on."""

    state: Any = None


@dataclass(slots=True, frozen=True)
class PartlyHandled:
    """All but those of these ids is done.  `told` is what the reader wants to know of it when it is given up."""

    failed: frozenset[str]
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    state: Any = None


@dataclass(slots=True, frozen=True)
class Failed:
    """None of it is done, and an attempt is used up."""

    told: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True, frozen=True)
class NotNow:
    """None of it is done, by no fault of the batch: throttled, or nothing to be had.  To be tried again, and again."""

    why: str


Outcome = Handled | PartlyHandled | Failed | NotNow


@dataclass(slots=True, frozen=True)
class GivenUp:
    """Records of a stream that are passed over: why, after how many attempts, and what the last one told."""

    batch: Batch
    condition: Condition
    attempts: int
    told: Mapping[str, Any]


class Reader(Protocol):
    async def principal(self) -> Principal:
        """As whom the source is read.  Raises ServiceError."""
        ...

    async def handle(self, batch: Batch) -> Outcome: ...

    def give_up(self, tx: Tx, given_up: GivenUp) -> None:
        """In the transaction that passes over these records: enqueue what tells of them."""
        ...

    def polled(self, records: int, filtered_out: int) -> None:
        """So many records were read, of which so many are not wanted: for metrics."""
        ...

    async def report(self, problem: str) -> None:
        """How it went: empty when it went well.  Told when it changes."""
        ...
