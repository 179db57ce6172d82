"""Moving the node's clock so that everything happens in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tule.core.clock import TurnableClock

if TYPE_CHECKING:
    from tule.backbone.worker import Jobs


async def advance(jobs: Jobs, clock: TurnableClock, by_ms: int) -> None:
    """Move the clock forward by `by_ms`, stopping at each due time on the way; returns when all that became due has run."""
    end_ms = clock.now_ms() + by_ms
    await jobs.settle()
    while (due_ms := await jobs.next_due_ms()) is not None and due_ms <= end_ms:
        clock.move(max(0, due_ms - clock.now_ms()))
        await jobs.settle()
    clock.move(max(0, end_ms - clock.now_ms()))
    await jobs.settle()
