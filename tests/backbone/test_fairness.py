"""The rule for free slots, on its own."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tule.backbone.fairness import barred, choose

candidates = st.lists(st.sampled_from("abcdef"), max_size=60).map(lambda targets: list(enumerate(targets)))
running = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 20))


@given(candidates, running, st.integers(1, 40))
def test_no_target_gets_more_than_half_of_the_free_slots(jobs: list[tuple[int, str]], held: dict[str, int], free: int) -> None:
    chosen = choose(jobs, held, free)
    more = Counter(dict(jobs)[sequence] for sequence in chosen)
    assert len(chosen) <= free
    assert all(count <= (free + 1) // 2 for count in more.values())


@given(candidates, running, st.integers(1, 40))
def test_a_target_that_holds_nothing_is_served_unless_no_slot_is_left(jobs: list[tuple[int, str]], held: dict[str, int], free: int) -> None:
    chosen = choose(jobs, held, free)
    served = {dict(jobs)[sequence] for sequence in chosen}
    assert len(chosen) == free or {target for _, target in jobs if target not in held} <= served


@given(candidates, running, st.integers(1, 40))
def test_barred_targets_are_those_of_which_nothing_would_be_taken(jobs: list[tuple[int, str]], held: dict[str, int], free: int) -> None:
    out = set(barred(held, free))
    for job in jobs:
        assert (choose([job], held, free) == []) == (job[1] in out)


@given(candidates, st.integers(1, 40))
def test_the_most_urgent_goes_first_when_all_is_free(jobs: list[tuple[int, str]], free: int) -> None:
    assert choose(jobs, {}, free)[:1] == [sequence for sequence, _ in jobs[:1]]


def test_one_greedy_target_gets_half_of_all_slots() -> None:
    assert len(choose([(n, "a") for n in range(100)], {}, 64)) == 32
