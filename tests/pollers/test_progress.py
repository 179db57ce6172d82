"""The checkpoint of a shard never passes what is not dealt with, and after a restart nothing that was done is done again."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import Record
from tule.pollers.progress import Progress

LANES = 3


def record(number: int, wanted: bool = True) -> Record:
    return Record(str(number), {}, 0, 1, wanted=wanted)


@given(
    st.lists(st.tuples(st.integers(0, LANES - 1), st.booleans()), max_size=40),
    st.lists(st.integers(0, LANES - 1), max_size=60),
    st.integers(0, 40),
)
def test_nothing_is_lost_and_nothing_done_twice_over_a_restart(arrivals: list[tuple[int, bool]], completions: list[int], read: int) -> None:
    """`arrivals` are lanes of records and whether they are wanted, `completions` the lanes in which the next record is done."""
    first = Progress(Checkpoint(), LANES)
    lanes: list[deque[Record]] = [deque() for _ in range(LANES)]
    for number, (lane, wanted) in enumerate(arrivals[:read], 100):
        if first.note(record(number, wanted), lane):
            lanes[lane].append(record(number, wanted))
    done: set[int] = set()
    for lane in completions:
        if lanes[lane]:
            one = lanes[lane].popleft()
            first.tick_off(lane, [one])
            done.add(int(one.id))

    at = int(first.sequence or -1)
    undone = {number for number, (_, wanted) in enumerate(arrivals, 100) if wanted and number not in done}
    assert all(number > at for number in undone)

    second = Progress(first.checkpoint(), LANES)
    again = {number for number, (lane, wanted) in enumerate(arrivals, 100) if number > at and second.note(record(number, wanted), lane)}
    assert again == undone


def test_with_another_number_of_lanes_what_lies_beyond_the_checkpoint_is_done_again() -> None:
    progress = Progress(Checkpoint(), 2)
    for number, lane in ((1, 0), (2, 1)):
        progress.note(record(number), lane)
    progress.tick_off(1, [record(2)])
    changed = Progress(progress.checkpoint(), 3)
    assert changed.note(record(1), 0)
    assert changed.note(record(2), 2)


def test_a_shard_is_settled_when_all_that_was_read_is_dealt_with() -> None:
    progress = Progress(Checkpoint(), 1)
    progress.note(record(1), 0)
    assert not progress.is_settled
    progress.note(record(2, wanted=False), 0)
    assert (progress.sequence, progress.read_to) == ("", "2")
    progress.tick_off(0, [record(1)])
    assert progress.is_settled
    assert progress.sequence == "2"
