"""Which of the due jobs get the free slots.

No target may hold more slots than stay free.  However many targets are greedy, some slots are then left for the next
one: one greedy target gets half of all, two a third each, and so on.  Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping


def choose(candidates: Iterable[tuple[int, str]], running: Mapping[str, int], free: int) -> list[int]:
    """From (sequence, target) in order of urgency, the sequences to start now, when `running` are and `free` slots are."""
    chosen: list[int] = []
    more: Counter[str] = Counter()
    for sequence, target in candidates:
        left = free - len(chosen)
        if left <= 0:
            break
        if running.get(target, 0) + more[target] < left:
            chosen.append(sequence)
            more[target] += 1
    return chosen


def barred(running: Mapping[str, int], free: int) -> list[str]:
    """Targets of which `choose` would take nothing at all."""
    return [target for target, count in running.items() if count >= free]
