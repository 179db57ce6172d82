"""Sequence numbers and hash keys, by themselves."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tule.services.kinesis import hash_keys, sequence
from tule.services.kinesis.sequence import Sequence

SECONDS = st.integers(1_000_000_000, 2**33)
SHARDS = st.integers(0, 2**20)
POSITIONS = st.integers(0, 2**39)


@given(SECONDS, SHARDS, POSITIONS, SECONDS)
def test_a_number_tells_what_it_was_made_of(opened_s: int, shard: int, position: int, given_s: int) -> None:
    number = sequence.text(opened_s, shard, position, given_s)
    assert len(number) == 56
    assert sequence.parse(number) == Sequence(opened_s, shard, position, given_s)


@given(SECONDS, SHARDS, st.lists(POSITIONS, min_size=2, max_size=2, unique=True), st.lists(SECONDS, min_size=2, max_size=2))
def test_numbers_of_a_shard_are_in_the_order_of_their_positions(opened_s: int, shard: int, positions: list[int], seconds: list[int]) -> None:
    first, second = (sequence.text(opened_s, shard, position, at) for position, at in zip(sorted(positions), seconds, strict=True))
    assert int(first) < int(second)
    assert first < second  # and as text, since all are of one length


@given(SECONDS, SHARDS, SHARDS, POSITIONS, POSITIONS)
def test_a_child_that_was_opened_later_follows_its_parent(opened_s: int, parent: int, child: int, last: int, first: int) -> None:
    assert sequence.text(opened_s, parent, last, opened_s) < sequence.text(opened_s + 1, child, first, opened_s + 1)


@given(st.text(alphabet="0123456789ab-", max_size=60))
def test_what_no_stream_gave_is_no_number(text: str) -> None:
    found = sequence.parse(text)
    assert found is None or sequence.text(*found) == text


@given(st.integers(1, 500))
def test_ranges_cover_the_space_without_gaps(count: int) -> None:
    ranges = hash_keys.even_ranges(count)
    assert len(ranges) == count
    assert (ranges[0][0], ranges[-1][1]) == (0, hash_keys.SPACE - 1)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))
