"""The loop that runs jobs: claim what is due, hand it to its target, record what came of it.

Promise: a committed job is delivered at least once, on some node, however often processes die.  While a node holds a
job's lease, no other delivers it.

Picture: `Claims` says which jobs this node may run now.  On a store of one node's own they are kept in memory, and a
claim is a read; on a shared store a claim writes a lease, which is renewed while the delivery runs.  Each claimed job is
a task.  The loop wakes by the hint `jobs`, when a task ends, when the clock reaches the next due time or is turned, and
when a lease of a dead node runs out; it never polls.

A slow target cannot starve others: no target may hold more slots than are free, so that however many are greedy, some
slots stay for the rest.

Jobs that one call can deliver go together, and their ends are recorded in one transaction.  A job that is done is ended without
waiting for the disk: should a power cut take that back, it is delivered again, and what it did is on the disk before its end is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import orjson

from tule.backbone import jobs
from tule.backbone.alarm import Alarm
from tule.backbone.claims import Claim, claims_for
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.endings import record
from tule.backbone.together import Together, in_groups
from tule.core.clock import Clock
from tule.core.ids import Ids
from tule.store.store import Store, Tx

log = logging.getLogger("tule.jobs")

CONCURRENCY = 1_024
STORE_PAUSE_S = 0.5  # after the store failed


class Jobs:
    """`deliver(delivery)` hands a job to its target's service; an exception from it is a failed attempt.

    `together` says which jobs can be delivered with one call, and does it.  `ended` is told how each attempt went, and whether
    the job died of it.  `concurrency` is the number of deliveries at a time on
    this node.  Made on the event loop on which it runs.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        deliver: Callable[[Delivery], Awaitable[Outcome]],
        *,
        together: Together | None = None,
        ended: Callable[[Claim, Outcome, bool], None] | None = None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliver = deliver
        self._together = together
        self._tell = ended
        self._concurrency = concurrency
        self._claims = claims_for(store, ids)
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._targets: Counter[str] = Counter()
        self._attendants: list[Callable[[], Awaitable[bool]]] = []
        self._dues: list[Callable[[], int | None]] = []
        self._alarm = Alarm(clock)
        self._progress = asyncio.Event()
        self._claiming = False
        self._left = False  # something may be due that there was no slot for
        self._looks = 0
        self._activity = 0  # counts claims begun and deliveries ended
        self._paused = False
        self._loop: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to deliver, first of all what an earlier life of this node left undone."""
        await self._claims.open()
        self._unsubscribe = self._store.subscribe(jobs.TOPIC, self._alarm.ring)
        self._loop = asyncio.create_task(self._run(), name="jobs")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Claim no more; let deliveries end for `grace_s`, then cancel them: they are delivered again after a restart."""
        self._unsubscribe()
        if self._loop is None:
            return
        await self._cease()
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)
        self._loop = None
        await self._end_deliveries(grace_s)
        await self._claims.close()

    async def pause(self) -> None:
        """Claim nothing and cancel the deliveries on their way (for reset)."""
        await self._cease()
        await self._end_deliveries(0)

    async def _cease(self) -> None:
        """Claim no more.  A claim on its way is waited for: on a shared store it would else take its lease when nobody runs the job."""
        self._paused = True
        while self._claiming:
            await self._progress.wait()

    def resume(self) -> None:
        self._paused = False
        self._alarm.ring()

    async def settle(self) -> None:
        """Return when all that is due by now has run, with all that it caused to be due by now.

        A delivery must therefore not wait for the clock itself: it answers Retry with a delay, or enqueues a later job.
        """
        while self._loop is not None and not self._paused:
            progress, activity = self._progress, self._activity
            if not self._running and not self._claiming:
                is_due = await self._claims.is_due(self._clock.now_ms())
                if activity != self._activity:
                    continue  # a claim or an end came between: what was seen is old
                if not is_due:
                    if await self._attendants_settled():
                        return
                    continue
                self._alarm.ring()
            await progress.wait()

    def attend(self, settle: Callable[[], Awaitable[bool]], next_due_ms: Callable[[], int | None] = lambda: None) -> Callable[[], None]:
        """Other background work that belongs to what is due: `settle` waits for it, and is False when there was none.

        `next_due_ms` says when it will have something to do next, if it knows.  Returns how to end that.
        """
        self._attendants.append(settle)
        self._dues.append(next_due_ms)

        def leave() -> None:
            self._attendants.remove(settle)
            self._dues.remove(next_due_ms)

        return leave

    async def _attendants_settled(self) -> bool:
        """False when one of them had something to do, from which more may follow."""
        return not any([await settle() for settle in list(self._attendants)])

    async def next_due_ms(self) -> int | None:
        """The next time after now at which a job, or other background work, is due; None when there is none."""
        now_ms = self._clock.now_ms()
        dues = [await self._claims.next_due_ms(now_ms), *(next_due_ms() for next_due_ms in self._dues)]
        return min((due_ms for due_ms in dues if due_ms is not None and due_ms > now_ms), default=None)

    async def _run(self) -> None:
        while True:
            self._alarm.hush()
            try:
                next_ms = await self._claim()
            except Exception:
                log.exception("Jobs cannot be claimed and wait.")
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            self._made_progress()
            await self._alarm.wait(next_ms)

    async def _claim(self) -> int | None:
        """When something will be due next, as far as is known; else somebody rings then."""
        next_ms: int | None = None
        while not self._paused and (free := self._concurrency - len(self._running)) > 0:
            self._activity += 1
            self._looks += 1
            is_scarce = len(self._running) >= free  # a target may then hold more slots than it should, and is passed over
            self._claiming = True  # what is claimed is no longer due, and not yet running
            try:
                taken = await self._claims.take(self._clock.now_ms(), self._targets, free)
                for claims in in_groups(taken.claims, _alone if self._together is None else self._together.key):
                    self._begin(claims)
            finally:
                self._claiming = False
            self._left, next_ms = is_scarce or not taken.is_all, taken.next_ms
            if taken.is_all or not taken.claims:
                return next_ms
        self._left = True
        return next_ms

    def _begin(self, claims: Sequence[Claim]) -> None:
        first, look = claims[0], self._looks
        task = asyncio.create_task(self._deliver_and_record(claims), name=f"{first.kind} {first.id}")
        for claim in claims:
            self._targets[claim.target] += 1
            self._running[claim.id] = task
        task.add_done_callback(lambda ended: self._ended(claims, look, is_over=not ended.cancelled() and ended.result()))

    def _ended(self, claims: Sequence[Claim], look: int, *, is_over: bool) -> None:
        """`is_over`: none of them is to be tried again, and what else they caused to be due has rung.

        Whoever has looked since they were claimed, at `look`, has passed over them, and over jobs that came after them to their
        places: SQLite gives a row's number again once the last row is gone.
        """
        self._activity += 1
        for claim in claims:
            self._claims.release(claim)
            self._running.pop(claim.id, None)
            self._targets[claim.target] -= 1
            if not self._targets[claim.target]:
                del self._targets[claim.target]
        if self._left or not is_over or look != self._looks:  # what is due again was not looked at while it was held
            self._alarm.ring()
        self._made_progress()

    def _made_progress(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()

    async def _deliver_and_record(self, claims: Sequence[Claim]) -> bool:
        """Whether all of them are done."""
        outcomes = [await self._outcome(claims[0])] if len(claims) == 1 else await self._outcomes(claims)

        def end(tx: Tx) -> list[bool]:
            return [record(tx, claim, outcome) for claim, outcome in zip(claims, outcomes, strict=True)]

        # Where nodes share the store, groups of jobs need the isolation that only `write` gives.
        are_done = all(isinstance(outcome, Done) for outcome in outcomes)
        write = self._store.write_forgettable if are_done and not self._store.shared else self._store.write
        while True:
            try:
                died = await write(end)
                break
            except Exception:
                log.exception("The end of %s job %s cannot be recorded yet.", claims[0].kind, claims[0].id)
                await asyncio.sleep(STORE_PAUSE_S)
        if self._tell is not None:
            for claim, outcome, is_dead in zip(claims, outcomes, died, strict=True):
                self._tell(claim, outcome, is_dead)
        return are_done

    async def _outcomes(self, claims: Sequence[Claim]) -> list[Outcome]:
        """Of several that go together; those that are too old stay behind."""
        assert self._together is not None
        now_ms = self._clock.now_ms()
        fresh = [claim for claim in claims if not _is_expired(claim, now_ms)]
        try:
            came = await self._together.deliver([_delivery(claim, now_ms) for claim in fresh])
        except Exception as error:
            log.exception("Delivery of %s jobs to %s failed.", claims[0].kind, claims[0].target)
            came = [Retry(f"{type(error).__name__}: {error}")] * len(fresh)
        outcomes = dict(zip((claim.id for claim in fresh), came, strict=True))
        return [outcomes.get(claim.id, _EXPIRED) for claim in claims]

    async def _outcome(self, claim: Claim) -> Outcome:
        now_ms = self._clock.now_ms()
        if _is_expired(claim, now_ms):
            return _EXPIRED
        try:
            return await self._deliver(_delivery(claim, now_ms))
        except Exception as error:
            log.exception("Delivery of %s job %s to %s failed.", claim.kind, claim.id, claim.target)
            return Retry(f"{type(error).__name__}: {error}")

    async def _end_deliveries(self, grace_s: float) -> None:
        if self._running:
            await asyncio.wait(set(self._running.values()), timeout=grace_s)
        left = set(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


_EXPIRED = Dead("The job's maximum age was exceeded.")


def _alone(_: Claim) -> None:
    """The key of jobs that go with no others."""


def _is_expired(claim: Claim, now_ms: int) -> bool:
    return bool(claim.expires_ms) and now_ms >= claim.expires_ms


def _delivery(claim: Claim, now_ms: int) -> Delivery:
    return Delivery(
        id=claim.id,
        kind=claim.kind,
        target=claim.target,
        account=claim.account,
        region=claim.region,
        payload=orjson.loads(claim.payload),
        attempt=claim.attempts + 1,
        max_attempts=claim.max_attempts,
        enqueued_ms=claim.enqueued_ms,
        now_ms=now_ms,
        source_service=claim.source_service,
        source_arn=claim.source_arn,
        role=claim.role,
        trace=claim.trace,
    )
