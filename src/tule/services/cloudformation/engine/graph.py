"""Run steps that depend on one another, as many at once as can be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import Enum


class Outcome(Enum):
    DONE = "done"
    WAITING = "waiting"  # for somebody outside
    FAILED = "failed"


Step = Callable[[str], Awaitable[Outcome]]


async def walk(needs: Mapping[str, Collection[str]], step: Step, *, persist: bool = False) -> dict[str, Outcome]:
    """Start each step once all that it needs is done; the outcomes of those that were started.

    After a failure nothing new is started, but what runs is awaited; with `persist` everything not in need of what failed
    is tried all the same.  Needs that are not steps count as done.
    """
    waiting = {name: {need for need in wanted if need in needs} for name, wanted in needs.items()}
    outcomes: dict[str, Outcome] = {}
    running: dict[asyncio.Task[Outcome], str] = {}
    while True:
        if persist or Outcome.FAILED not in outcomes.values():
            for name in [name for name, wanted in waiting.items() if not wanted]:
                del waiting[name]
                running[asyncio.create_task(_run(step, name))] = name
        if not running:
            return outcomes
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            name = running.pop(task)
            outcomes[name] = task.result()
            if outcomes[name] is Outcome.DONE:
                for wanted in waiting.values():
                    wanted.discard(name)


async def _run(step: Step, name: str) -> Outcome:
    return await step(name)


def reversed_needs(needs: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Who has to go first when everything is taken down: those that need it."""
    found: dict[str, set[str]] = {name: set() for name in needs}
    for name, wanted in needs.items():
        for need in wanted:
            if need in found:
                found[need].add(name)
    return found
